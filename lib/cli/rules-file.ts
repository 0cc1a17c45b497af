/** Reads rules from a file or from standard input and checks them against what the engine was built with. */
import { fstatSync } from 'node:fs';
import { RulesError } from '../rules/errors.js';
import { parseRules, type RuleLine } from '../rules/parse-rules.js';
import { printable } from '../values/printable.js';
import { readBounded, readFileBounded } from './bounded-read.js';
import { reading } from './files.js';
import type { CliIo } from './verb.js';

export interface RulesFileOptions {
  /** `-` is standard input. */
  file: string;
  /** Whether `@SECONDS` may stand before a rule. */
  isTimed: boolean;
  /** The verb that reads them: its warnings begin with it, as its errors do. */
  verb: 'run' | 'explain' | 'replay';
  /** The rules were read before. A FIFO is refused then: nobody may ever write to it. */
  isAgain?: boolean;
}

export async function readRules(
  { file, isTimed, verb, isAgain = false }: RulesFileOptions,
  io: CliIo,
): Promise<RuleLine[]> {
  const text = file === '-' ? await readAll(io.stdin) : await readNamed(file, isAgain);
  const [{ native }, { ruleWarnings }] = await Promise.all([
    import('../native/addon.js'),
    import('../rules/warnings.js'),
  ]);
  const lines = await namingAll({ text, file, isTimed }, () => parseRules(text, { file, support: native, isTimed }));
  for (const warning of ruleWarnings(lines)) io.stderr.write(`tunvs ${verb}: ${printable(warning)}\n`);
  return lines;
}

/** Where more than one rule is wrong, says so of each. Rules with times are read by no other command. */
async function namingAll<T>({ text, file, isTimed }: { text: string; file: string; isTimed: boolean }, read: () => T) {
  try {
    return read();
  } catch (error) {
    if (isTimed || !(error instanceof RulesError)) throw error;
    const [{ checkRules }, { ConfigError }] = await Promise.all([
      import('../config/check-rules.js'),
      import('../config/mistake.js'),
    ]);
    const { mistakes } = checkRules(text, file);
    throw mistakes.length > 1 ? new ConfigError(mistakes) : error;
  }
}

async function readNamed(file: string, isAgain: boolean): Promise<string> {
  if (file === '') throw new RulesError('--rules: the name is empty: give a file, or - for standard input');
  const mend = 'name a file of rules as ipvsadm -S -n prints them';
  const refuseOther = (what: string) =>
    new RulesError(`--rules ${file}: it is ${what}, and a reload needs a file: put a file of rules in its place`);
  const bytes = await reading({ option: '--rules', file, mend }, () =>
    readFileBounded(file, isAgain ? refuseOther : undefined),
  );
  return bytes.toString();
}

async function readAll(stream: NodeJS.ReadableStream): Promise<string> {
  refuseFolder(stream);
  const mend = 'give it less';
  return (await reading({ option: '--rules', file: '-', mend }, () => readBounded(stream))).toString();
}

/** Node takes a folder as standard input for an empty file. */
function refuseFolder({ fd }: NodeJS.ReadableStream & { fd?: unknown }): void {
  if (typeof fd === 'number' && fd >= 0 && fstatSync(fd).isDirectory())
    throw new RulesError('--rules -: standard input is a folder: give it a file of rules ("--rules - < web.rules")');
}
