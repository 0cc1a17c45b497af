/** Calls of ipvsadm at a session, as a shell would make them. */
import { type AdmCall, executeAdm } from '../../lib/rules/adm/execute.js';
import type { NameResolver } from '../../lib/rules/adm/names.js';
import type { RulesSession } from '../../lib/rules/session.js';
import { tokenize } from '../../lib/rules/tokenize.js';

/** A host without names, as the recorded one was. */
export const noNames: NameResolver = {
  host: async () => undefined,
  service: async () => undefined,
  address: async () => undefined,
  port: async () => undefined,
};

export interface AdmAnswer {
  /** stdout and stderr in the order of printing. */
  text: string;
  out: string;
  err: string;
  exit: number | undefined;
}

/** `line` as in `ipvsadm -L -n`; the leading `ipvsadm` may be left out. */
export async function callAdm(
  session: RulesSession,
  line: string | readonly string[],
  others: Partial<AdmCall> = {},
): Promise<AdmAnswer> {
  const argv = typeof line === 'string' ? tokenize(line) : [...line];
  if (argv[0] === 'ipvsadm') argv.shift();
  const answer: AdmAnswer = { text: '', out: '', err: '', exit: undefined };
  for await (const piece of executeAdm(session, { argv, resolve: noNames, ...others })) {
    if (answer.exit !== undefined) throw new Error('a piece came after the exit status');
    if ('exit' in piece) answer.exit = piece.exit;
    else if ('err' in piece) answer.err += piece.err;
    if ('out' in piece) answer.out += piece.out;
    answer.text += 'out' in piece ? piece.out : 'err' in piece ? piece.err : '';
  }
  return answer;
}
