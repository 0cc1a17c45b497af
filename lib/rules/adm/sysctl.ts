/** `--sysctl [NAME[=VALUE]]`. */
import { RulesError } from '../errors.js';
import { parseRule, ruleLine } from '../parse-rules.js';
import type { RulesSession } from '../session.js';
import type { Support } from '../supported.js';
import { json } from './json.js';

const PREFIX = /^net[./]ipv4[./]vs[./]/;

/** Sets a sysctl and returns nothing, or returns the text that shows one, or all of them where `text` is ''. */
export function sysctl(session: RulesSession, text: string, support: Support, isJson: boolean): string {
  const short = text.replace(PREFIX, '');
  if (short.includes('=')) {
    const rule = parseRule(['sysctl', `net.ipv4.vs.${short}`], support);
    session.apply([ruleLine(rule, { file: '-', line: 1 }, text)]);
    return '';
  }
  const all = session.target.sysctls;
  const names = short === '' ? Object.keys(all) : [short];
  const shown = names.map((name): [string, number] => {
    const value = Object.hasOwn(all, name) ? all[name] : undefined;
    if (value !== undefined) return [name, value];
    const list = Object.keys(all).join(', ');
    throw new RulesError(`net.ipv4.vs.${name} is not supported: use one of ${list}`, { token: name });
  });
  if (isJson) return json({ sysctls: Object.fromEntries(shown) });
  return shown.map(([name, value]) => `net.ipv4.vs.${name} = ${value}\n`).join('');
}
