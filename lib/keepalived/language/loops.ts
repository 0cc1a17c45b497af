/** The lines that stand for several: `~SEQ(var, start, step, end) rest` and `~LST(var, value, ...) rest`. */

export interface Loop {
  /** The parameters of each turn, by their names. */
  turns: Iterable<ReadonlyMap<string, string>>;
  rest: string;
}

const MOST_TURNS = 1_000_000;

/** Returns undefined where the line is no such line, and what is wrong where it is a wrong one. */
export function loopOf(line: string): Loop | string | undefined {
  const sequence = /^~SEQ(x?)\(/.exec(line);
  if (sequence !== null) return loopWith(line, (inside) => sequenceOf(inside, sequence[1] === 'x'));
  if (/^~LST\(/.test(line)) return loopWith(line, listOf);
  return line.startsWith('~') ? 'only ~SEQ(...), ~SEQx(...) and ~LST(...) can begin with ~' : undefined;
}

type Turns = Iterable<ReadonlyMap<string, string>>;

function loopWith(line: string, turnsOf: (inside: string) => Turns | string): Loop | string {
  const open = line.indexOf('(');
  const close = line.indexOf(')', open);
  if (close < 0) return 'the parenthesis is not closed';
  const turns = turnsOf(line.slice(open + 1, close));
  return typeof turns === 'string' ? turns : { turns, rest: line.slice(close + 1).trim() };
}

const NAME = /^[A-Za-z_]\w*$/;
/** As strtol reads it: decimal, octal after 0, hexadecimal after 0x. */
const NUMBER = /^[-+]?(0[xX][0-9A-Fa-f]{1,8}|0[0-7]{0,10}|[1-9]\d{0,9})$/;

function sequenceOf(inside: string, isHex: boolean): Turns | string {
  const [name = '', ...given] = inside.split(',').map((each) => each.trim());
  if (!NAME.test(name)) return 'the first part is no name of a parameter';
  if (given.length < 1 || given.length > 3) return 'it takes a name, a start, a step and an end';
  if (!given.every((each) => NUMBER.test(each))) return 'start, step and end are whole numbers';
  const numbers = given.map(numberOf);
  const end = numbers.at(-1) as number;
  const start = numbers.length > 1 ? (numbers[0] as number) : end < 0 ? -1 : 1;
  const step = numbers.length > 2 ? (numbers[1] as number) : end < start ? -1 : 1;
  if (step === 0 || (end - start) * step < 0) return 'the step does not lead from the start to the end';
  if (isHex && Math.min(start, end) < 0) return '~SEQx counts no negative numbers';
  if ((end - start) / step >= MOST_TURNS) return `it has more than ${MOST_TURNS} turns`;
  return sequenceTurns(name, { start, step, end, isHex });
}

function numberOf(text: string): number {
  const magnitude = text.replace(/^[-+]/, '');
  const value = /^0[0-7]+$/.test(magnitude) ? Number.parseInt(magnitude, 8) : Number(magnitude);
  return text.startsWith('-') ? -value : value;
}

function* sequenceTurns(
  name: string,
  { start, step, end, isHex }: { start: number; step: number; end: number; isHex: boolean },
): Turns {
  for (let value = start; step > 0 ? value <= end : value >= end; value += step)
    yield new Map([[name, value.toString(isHex ? 16 : 10)]]);
}

function listOf(inside: string): Turns | string {
  const [first, ...values] = itemsOf(inside);
  if (first === undefined || !first.every((name) => NAME.test(name))) return 'the first part is no name of a parameter';
  if (values.length === 0) return 'it has no values';
  return listTurns(first, values);
}

/** Turns are made one by one, because the reader may end before the last. */
function* listTurns(names: readonly string[], values: readonly string[][]): Turns {
  for (const items of values) yield new Map(names.map((name, index) => [name, items[index] ?? '']));
}

/** Splits `{A, B}, {1, 2}, 3` into its items; an item without braces is one value. */
function itemsOf(inside: string): string[][] {
  const items: string[][] = [];
  for (const found of inside.matchAll(/\{([^}]*)\}|[^,{}]+/g)) {
    const [whole, braced] = found;
    if (braced !== undefined) items.push(braced.split(',').map((each) => each.trim()));
    else if (whole.trim() !== '') items.push([whole.trim()]);
  }
  return items;
}
