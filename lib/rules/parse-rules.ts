/**
 * Reads a rules file: one command a line, as `ipvsadm -S -n` prints them, comments, `sysctl net.ipv4.vs.NAME=VALUE`,
 * `mark N ...`, and in a replay `@SECONDS` before any of them.
 */
import type { Command, SysctlAssignment } from './command.js';
import { located, RulesError, type RulesPlace } from './errors.js';
import { TRY_HELP } from './given-options.js';
import { type MarkCommand, parseMark } from './mark.js';
import { parseCommand } from './parse-command.js';
import { checkSupported, type Support } from './supported.js';
import { splitLines, tokenize } from './tokenize.js';

export type Rule = Command | SysctlAssignment | MarkCommand;

export interface RuleLine {
  place: RulesPlace;
  /** The rule as it stands in the file, without its time. */
  text: string;
  /** When the rule is due on the capture's clock; undefined means before the first packet. */
  atMs: number | undefined;
  rule: Rule;
  /** A sentence for each part of the rule that has no effect, or another one than was meant. */
  warnings: string[];
}

/** A rule that was given by itself: at once, and without warnings. */
export function ruleLine(rule: Rule, place: RulesPlace, text: string): RuleLine {
  return { place, text, atMs: undefined, rule, warnings: [] };
}

export interface ParseRulesOptions {
  /** Errors name this: a path, or `-` for standard input. */
  file: string;
  support: Support;
  /** Whether `@SECONDS` may stand before a rule. */
  isTimed: boolean;
  /** Takes each mistake, and the line is left out; without it the first mistake is thrown. */
  mistake?: (error: RulesError) => void;
}

/** Returns the rules in the order of the file. The first mistake is thrown, with its line, unless `mistake` takes them. */
export function parseRules(text: string, { file, support, isTimed, mistake }: ParseRulesOptions): RuleLine[] {
  return splitLines(text).flatMap((line, index) => {
    const place = { file, line: index + 1 };
    try {
      return located(place, () => parseLine(line, place, support, isTimed)) ?? [];
    } catch (error) {
      if (mistake === undefined || !(error instanceof RulesError)) throw error;
      mistake(error);
      return [];
    }
  });
}

function parseLine(line: string, place: RulesPlace, support: Support, isTimed: boolean): RuleLine | undefined {
  const words = tokenize(line);
  const atMs = takeTime(words, isTimed);
  if (words[0] === 'ipvsadm') words.shift();
  else if (words.length === 0 && atMs === undefined) return undefined;
  if (words.length === 0) throw new RulesError('the rule is empty: write a command, as in -A -t 192.0.2.1:80 -s wlc');
  const warnings: string[] = [];
  const rule = parseRule(words, support, (sentence) => warnings.push(sentence));
  return { place, text: line.trim().replace(/^@\S+\s+/, ''), atMs, rule, warnings };
}

type Warn = (sentence: string) => void;

/** Reads the words of one rule: of ipvsadm, or one of ours. */
export function parseRule(words: readonly string[], support: Support, warn: Warn = () => {}): Rule {
  if (words[0] === 'sysctl') return parseSysctl(words, support.sysctlNames);
  if (words[0] === 'mark') return parseMark(words.slice(1));
  return parseRuleCommand(words, support, warn);
}

function takeTime(words: string[], isTimed: boolean): number | undefined {
  const word = words[0];
  if (!word?.startsWith('@')) return undefined;
  if (!isTimed) {
    throw new RulesError(`"${word}": only a replay knows times: leave it out, or use tunvs replay`, {
      token: word,
    });
  }
  if (!/^@\d{1,9}(\.\d+)?$/.test(word)) {
    throw new RulesError(`"${word}" is not a time: write @SECONDS, as in @1.5`, { token: word });
  }
  words.shift();
  return Math.round(Number(word.slice(1)) * 1e6) / 1e3;
}

function parseRuleCommand(words: readonly string[], support: Support, warn: Warn): Command {
  const command = parseCommand(words, warn);
  if (command.command === 'startDaemon' || command.command === 'stopDaemon') {
    throw new RulesError(
      `${words[0]}: connection sync is started and stopped at a running director, with tunvsadm: leave the rule out`,
      { token: words[0] as string },
    );
  }
  if (command.command === 'restore' || command.command === 'help' || command.command === 'version') {
    throw new RulesError(`${words[0]} has no meaning in a rules file: leave it out`, {
      token: words[0] as string,
      ipvsadm: { text: TRY_HELP, exitStatus: 255 },
    });
  }
  return checkSupported(command, support);
}

const SYSCTL = /^net[./]ipv4[./]vs[./](\w+)=(-?\d{1,10})$/;

/** A sysctl of IPVS that is not a number. */
const SYSCTL_OF_TEXT = /^net[./]ipv4[./]vs[./](est_cpulist)=/;

/** IPVS's one sysctl of two numbers; the second is `sync_period` here. */
const SYNC_THRESHOLD = /^net[./]ipv4[./]vs[./]sync_threshold=(\d{1,10})[\t ]+(\d{1,10})$/;

function parseSysctl(words: readonly string[], names: readonly string[]): SysctlAssignment {
  const [, ...operands] = words;
  if (operands[0] === '-w') operands.shift();
  const [, threshold, period] = SYNC_THRESHOLD.exec(operands.join(' ')) ?? [];
  if (threshold !== undefined && names.includes('sync_period'))
    return { command: 'sysctl', name: 'sync_threshold', value: Number(threshold), syncPeriod: Number(period) };
  const [assignment, extra] = operands;
  const text = SYSCTL_OF_TEXT.exec(assignment ?? '')?.[1];
  if (text !== undefined) {
    throw new RulesError(`net.ipv4.vs.${text} is not a number and would have no effect here: leave it out`, {
      token: text,
    });
  }
  const [, name, value] = SYSCTL.exec(assignment ?? '') ?? [];
  if (name === undefined || extra !== undefined) {
    const token = extra ?? assignment ?? 'sysctl';
    throw new RulesError(`"${words.join(' ')}" is not a sysctl of IPVS: write sysctl net.ipv4.vs.NAME=NUMBER`, {
      token,
    });
  }
  if (!names.includes(name)) {
    throw new RulesError(`net.ipv4.vs.${name} is not supported: use one of ${names.join(', ')}`, { token: name });
  }
  return { command: 'sysctl', name, value: Number(value) };
}
