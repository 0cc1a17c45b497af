/** The options beyond ipvsadm's: taken out of the words, so that what is left is ipvsadm's own grammar. */
import { MAX_DRAIN_SECONDS } from '../../director/drain.js';
import { RulesError } from '../errors.js';
import { findOptions, type MoreOptions } from './words.js';

export interface Extensions {
  /** The listing is wanted as JSON. */
  json: boolean;
  /** `-S` is to print thresholds, marks, timeouts and sysctls as well. */
  all: boolean;
  /** `-d` and `-D` wait for the end of connections first, for so many seconds at most; 'endless' has no limit. */
  drain: number | 'endless' | undefined;
  /** The rules that `-R` reads take the place of those in force, without a moment in between. */
  replace: boolean;
  /** `NAME` or `NAME=VALUE`; '' stands for all names. */
  sysctl: string | undefined;
}

export const NO_EXTENSIONS: Readonly<Extensions> = {
  json: false,
  all: false,
  replace: false,
  drain: undefined,
  sysctl: undefined,
};

const EXTENSIONS: MoreOptions = { json: 'none', all: 'none', replace: 'none', drain: 'optional', sysctl: 'optional' };

/** Returns ipvsadm's words, and the options that were beside them. */
export function takeExtensions(argv: readonly string[]): { words: string[]; extensions: Extensions } {
  const words = [...argv];
  const extensions: Extensions = { ...NO_EXTENSIONS };
  const taken = new Set<number>();
  const seen = new Set<string>();
  for (const { long, at, length, value } of findOptions(words, EXTENSIONS)) {
    if (!Object.hasOwn(EXTENSIONS, long)) continue;
    if (seen.has(long)) throw twice(long);
    seen.add(long);
    const isAttached = length === 1 && value !== undefined;
    if (EXTENSIONS[long] === 'none' && isAttached) throw valueless(words[at] as string);
    if (long === 'json') extensions.json = true;
    else if (long === 'all') extensions.all = true;
    else if (long === 'replace') extensions.replace = true;
    else if (long === 'drain') extensions.drain = value === undefined ? 'endless' : parseSeconds(value);
    else extensions.sysctl = value ?? '';
    for (let index = at; index < at + length; index++) taken.add(index);
  }
  return { words: words.filter((_, index) => !taken.has(index)), extensions };
}

/** Refuses an option beside a command that it does not go with. `name` is the command's in ipvsadm's messages. */
export function refuseExtension(option: keyof Extensions, mend: string): RulesError {
  return new RulesError(`--${option} does not go with this command: ${mend}`, { token: `--${option}` });
}

function parseSeconds(value: string): number {
  const seconds = /^\d{1,7}$/.test(value) ? Number(value) : Number.NaN;
  if (seconds <= MAX_DRAIN_SECONDS) return seconds;
  throw new RulesError(`--drain ${value}: write a number of seconds from 0 to ${MAX_DRAIN_SECONDS}`, {
    token: value,
  });
}

function twice(long: string): RulesError {
  return new RulesError(`--${long} is given twice: keep one of them`, {
    token: `--${long}`,
    ipvsadm: { text: `multiple '${long}' options specified`, exitStatus: 2 },
  });
}

function valueless(word: string): RulesError {
  return new RulesError(`${word}: the option takes no value: leave the value out`, {
    token: word,
    ipvsadm: { text: `${word}: option does not take an argument`, exitStatus: 255 },
  });
}
