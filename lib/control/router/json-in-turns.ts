/** Writes JSON of what may be very large, a part in a turn of the event loop: nobody else waits for it for long. */
import { setImmediate } from 'node:timers/promises';
import { TunvsError } from '../../values/errors.js';
import { jsonMember } from '../../values/json.js';

/** A list whose items are made when they are written. */
export class LazyList<From, To> {
  readonly #from: readonly From[];
  readonly #make: (from: From) => To;

  constructor(from: readonly From[], make: (from: From) => To) {
    this.#from = from;
    this.#make = make;
  }

  get length(): number {
    return this.#from.length;
  }

  /** What was deleted meanwhile is left out. */
  *[Symbol.iterator](): Generator<To> {
    for (const each of this.#from) {
      let made: To;
      try {
        made = this.#make(each);
      } catch (error) {
        if (error instanceof TunvsError && error.code === 'ERR_TUNVS_NOT_FOUND') continue;
        throw error;
      }
      yield made;
    }
  }

  /** So that whoever writes it at once has all of it. */
  toJSON(): To[] {
    return [...this];
  }
}

/** A shorter list is written at once. */
const LONG = 200;
const TURN_MS = 10;

export async function jsonInTurns(value: unknown): Promise<string> {
  const parts: string[] = [];
  let began = performance.now();
  for (const part of partsOf(value)) {
    parts.push(part);
    if (performance.now() - began < TURN_MS) continue;
    await setImmediate();
    began = performance.now();
  }
  return parts.join('');
}

/** Looks into maps as far as long lists may be: a few levels. */
function* partsOf(value: unknown, depth = 0): Generator<string> {
  const list =
    value instanceof LazyList || Array.isArray(value) ? (value as Iterable<unknown> & { length: number }) : undefined;
  if (list !== undefined && depth < 6 && (list.length > LONG || hasMaps(list))) {
    let before = '[';
    for (const item of list) {
      yield before;
      yield* partsOf(item, depth + 1);
      before = ',';
    }
    yield before === '[' ? '[]' : ']';
    return;
  }
  if (isPlainMap(value) && depth < 6 && Object.values(value).some(isList)) {
    let before = '{';
    for (const [name, member] of Object.entries(value)) {
      if (member === undefined) continue;
      yield `${before}${JSON.stringify(name)}:`;
      yield* partsOf(member, depth + 1);
      before = ',';
    }
    yield before === '{' ? '{}' : '}';
    return;
  }
  yield JSON.stringify(value, (_, member: unknown) => jsonMember(member)) ?? 'null';
}

const isList = (value: unknown) => Array.isArray(value) || value instanceof LazyList;

/** Each of a few services may have very many servers. */
const hasMaps = (list: Iterable<unknown>) => {
  if (list instanceof LazyList) return true;
  const [first] = list;
  return typeof first === 'object' && first !== null;
};

function isPlainMap(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !isList(value) && !('toJSON' in value && !hasPlainJson(value));
}

/** The figures of the library have a toJSON() that does to bigints what is done here anyway. */
function hasPlainJson(value: object): boolean {
  return Object.getOwnPropertyDescriptor(value, 'toJSON')?.enumerable === false;
}
