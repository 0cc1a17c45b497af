/** Our own lines, beside ipvsadm's, for the rules by which packets get a firewall mark. */
import { parsePort } from '../values/inet.js';
import type { MarkRule } from '../values/marks.js';
import { MAX_UINT32 } from '../values/options.js';
import { parsePrefix, prefixFamily } from '../values/prefix.js';
import { type Protocol, protocols } from '../values/protocol.js';
import { RulesError } from './errors.js';

/** `mark N [proto P] [src PREFIX] [dst PREFIX] [dport PORT[-PORT]]`, `mark delete N ...`, `mark flush`, `mark list`. */
export type MarkCommand =
  | { command: 'addMark'; rule: MarkRule }
  | { command: 'deleteMark'; rule: MarkRule }
  | { command: 'flushMarks' }
  | { command: 'listMarks' };

const FORMS =
  'write mark N, then any of proto PROTOCOL, src PREFIX, dst PREFIX, dport PORT[-PORT]; or mark delete N ..., mark flush, mark list';

/** `words` come without the leading `mark`. */
export function parseMark(words: readonly string[]): MarkCommand {
  const [first, ...others] = words;
  if (first === 'flush' || first === 'list') {
    if (others[0] !== undefined) throw mistake(others[0], `does not go with mark ${first}: leave it out`);
    return { command: first === 'flush' ? 'flushMarks' : 'listMarks' };
  }
  if (first === 'delete') return { command: 'deleteMark', rule: parseMarkRule(others) };
  return { command: 'addMark', rule: parseMarkRule(words) };
}

function parseMarkRule([number, ...words]: readonly string[]): MarkRule {
  if (number === undefined) throw new RulesError(`the mark is missing: ${FORMS}`, { token: 'mark' });
  const mark = /^\d{1,10}$/.test(number) ? Number(number) : 0;
  if (mark < 1 || mark > MAX_UINT32) throw mistake(number, `is not a mark from 1 to ${MAX_UINT32}: ${FORMS}`);
  const rule: MarkRule = { mark };
  const seen = new Set<string>();
  for (let at = 0; at < words.length; at += 2) {
    const [name = '', value] = words.slice(at, at + 2);
    const read = Object.hasOwn(PARTS, name) ? PARTS[name] : undefined;
    if (!read) throw mistake(name, `cannot be part of a mark's rule: ${FORMS}`);
    if (seen.has(name)) throw mistake(name, 'is given twice: keep one of them');
    if (value === undefined) throw mistake(name, 'lacks its value: write the value after it');
    seen.add(name);
    read(rule, value);
  }
  const { source, destination } = rule;
  if (source !== undefined && destination !== undefined && prefixFamily(source) !== prefixFamily(destination))
    throw mistake(destination, `is of another address family than src ${source}: write both in the same family`);
  return rule;
}

const PARTS: Readonly<Record<string, (rule: MarkRule, value: string) => void>> = {
  proto: (rule, value) => {
    if (!(protocols as readonly string[]).includes(value))
      throw mistake(value, `is not a protocol that tunvs balances: write one of ${protocols.join(', ')}`);
    rule.protocol = value as Protocol;
  },
  src: (rule, value) => {
    rule.source = readPrefix(value);
  },
  dst: (rule, value) => {
    rule.destination = readPrefix(value);
  },
  dport: (rule, value) => {
    const [, begin = '', end = begin] = /^([^-]*)(?:-([^-]*))?$/.exec(value) ?? [];
    const [first, last] = [parsePort(begin), parsePort(end)];
    if (first === undefined || last === undefined || last < first)
      throw mistake(value, 'is not a port: write one from 0 to 65535, or a range, as in 8000-8099');
    rule.port = first;
    if (last !== first) rule.lastPort = last;
  },
};

function readPrefix(value: string): string {
  const prefix = parsePrefix(value);
  if (typeof prefix === 'string') return prefix;
  throw mistake(value, prefix.mistake);
}

function mistake(token: string, why: string): RulesError {
  return new RulesError(`"${token}" ${why}`, { token });
}

const NAMES = ['addMark', 'deleteMark', 'flushMarks', 'listMarks'];

export function isMarkCommand(rule: { command: string }): rule is MarkCommand {
  return NAMES.includes(rule.command);
}

/** Parsing the printed text gives the command back. */
export function printMark(command: MarkCommand): string {
  switch (command.command) {
    case 'addMark':
      return `mark ${printMarkRule(command.rule)}`;
    case 'deleteMark':
      return `mark delete ${printMarkRule(command.rule)}`;
    case 'flushMarks':
      return 'mark flush';
    case 'listMarks':
      return 'mark list';
  }
}

function printMarkRule({ mark, protocol, source, destination, port, lastPort }: MarkRule): string {
  const parts = [
    `${mark}`,
    protocol !== undefined && `proto ${protocol}`,
    source !== undefined && `src ${source}`,
    destination !== undefined && `dst ${destination}`,
    port !== undefined && `dport ${port}${lastPort === undefined ? '' : `-${lastPort}`}`,
  ];
  return parts.filter((part) => part !== false).join(' ');
}

/** Returns the rules as lines of a rules file. */
export function listMarks(rules: readonly MarkRule[]): string {
  return rules.map((rule) => `${printMark({ command: 'addMark', rule })}\n`).join('');
}

export function isSameMark(left: MarkRule, right: MarkRule): boolean {
  return printMarkRule(left) === printMarkRule(right);
}
