/** Rules as text, for programs: put into force at a director, and printed from one. */
import type { Director } from '../director/director.js';
import { native } from '../native/addon.js';
import { checkedOptions, refuse } from '../values/options.js';
import { saveAll } from './adm/save-all.js';
import { parseRules } from './parse-rules.js';
import { RulesSession } from './session.js';
import { ruleWarnings } from './warnings.js';

/**
 * The options of {@link applyRules}.
 *
 * @example
 * ```ts
 * import { applyRules, type ApplyRulesOptions, Director, TunvsError } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const options: ApplyRulesOptions = { file: 'web.rules' };
 * try {
 *   applyRules(director, '# no port\n-A -t 192.0.2.1', options);
 * } catch (error) {
 *   if (!(error instanceof TunvsError)) throw error;
 *   console.log(error.message.startsWith('web.rules:2: ')); // true
 * }
 * ```
 */
export interface ApplyRulesOptions {
  /** What errors call the text; `rules` by default. */
  file?: string;
}

/**
 * Puts rules into force as one transaction: all of them or none. They are what a rules file of `tunvs run` holds: the
 * commands of ipvsadm as `ipvsadm -S -n` prints them, `sysctl` and `mark`. They change what the director has; with `-C`
 * as the first rule they take its place.
 *
 * @param rules The text, or its lines.
 * @returns A sentence with the line for each part of a rule that has no effect.
 * @throws {@link TunvsError} ERR_TUNVS_RULES for the first mistake, with its line: `rules:2: ...`. Nothing is changed
 *   then. ERR_TUNVS_INVALID_ARGUMENT, ERR_TUNVS_CLOSED.
 * @example
 * ```ts
 * import { applyRules, Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * applyRules(
 *   director,
 *   `
 *   -A -t 192.0.2.1:80 -s wlc
 *   -a -t 192.0.2.1:80 -r 10.3.0.11 -i -w 3
 *   -a -t 192.0.2.1:80 -r 10.3.0.12 -i -w 1
 *   `,
 * );
 * console.log(director.virtualServices[0]?.realServers.length); // 2
 * ```
 */
export function applyRules(
  director: Director,
  rules: string | readonly string[],
  options: ApplyRulesOptions = {},
): string[] {
  const { file = 'rules' } = checkedOptions('applyRules', options, ['file']);
  if (typeof file !== 'string') refuse('applyRules: file', file, 'a name for the text');
  const lines = parseRules(textOf(rules), { file, support: native, isTimed: false });
  sessionOf('applyRules', director).apply(lines);
  return ruleWarnings(lines);
}

/**
 * Prints what is in force as rules: services, real servers, thresholds, marks, timeouts and sysctls. {@link applyRules}
 * of the text brings it all back at a director without services. What rules cannot say is left out: slow start,
 * scheduler options, policies, timeouts of a service, drains, and whether a real server is up.
 *
 * @throws {@link TunvsError} ERR_TUNVS_CLOSED, ERR_TUNVS_INVALID_ARGUMENT.
 * @example
 * ```ts
 * import { Director, printRules } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wrr' });
 * const service = printRules(director).split('\n').find((line) => line.startsWith('-A'));
 * console.log(service); // -A -t 192.0.2.1:80 -s wrr
 * ```
 */
export function printRules(director: Director): string {
  const session = sessionOf('printRules', director);
  return saveAll(session.source(), session.target)
    .map((line) => `${line}\n`)
    .join('');
}

function textOf(rules: unknown): string {
  if (typeof rules === 'string') return rules;
  if (Array.isArray(rules) && rules.every((line) => typeof line === 'string')) return rules.join('\n');
  return refuse('applyRules: rules', rules, 'a text, or an array of its lines');
}

function sessionOf(call: string, director: unknown): RulesSession {
  if (typeof (director as Partial<Director> | undefined)?.transaction !== 'function')
    refuse(`${call}: director`, director, 'a Director');
  return new RulesSession(director as Director);
}
