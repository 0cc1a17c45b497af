/** The check by the number in a file that others write. */
import { constants, type FileHandle, open } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import { printable } from '../../values/printable.js';
import { type Check, CheckFailure, type Finding, passed } from './check.js';
import { defineKind } from './kind.js';
import { unlessAborted } from './unless-aborted.js';

/**
 * The options of a check by a number in a file.
 *
 * @example
 * ```ts
 * import type { FileCheckOptions } from 'tunvs/health';
 *
 * const options: FileCheckOptions = { path: '/run/web/load', weight: -1 };
 * console.log(options.weight); // -1
 * ```
 */
export interface FileCheckOptions {
  /** The file. */
  path: string;
  /** What the number is multiplied with before it is added to the weight; 0: a number other than 0 fails. */
  weight?: number;
  /** Turns the sign of what is added, or, where `weight` is 0, fails with 0 instead. */
  reverse?: boolean;
  /** Whether a file that is missing or empty fails, or counts as 0. */
  missing?: 'fail' | 'zero';
}

const MAX_BYTES = 64;
const MAX_FACTOR = 0x7fffffff;
/** What is added to a weight stays within what a weight may be. */
const MAX_WEIGHT = 65_535;

export const file = defineKind<FileCheckOptions, 'weight' | 'reverse' | 'missing'>({
  name: 'file',
  description: 'Passes by the number in a file, or adds to the weight what that says.',
  needsWay: false,
  options: {
    path: { type: 'file', isRequired: true, description: 'Names the file, which is read anew by each check.' },
    weight: {
      type: 'integer',
      min: -MAX_FACTOR,
      max: MAX_FACTOR,
      default: 0,
      description: 'Sets what the number is multiplied with before it is added; with 0, any number but 0 fails.',
    },
    reverse: {
      type: 'boolean',
      default: false,
      description: 'Turns the sign of what is added or, with a weight of 0, fails a number of 0 and no other.',
    },
    missing: {
      type: 'choice',
      choices: ['fail', 'zero'],
      default: 'fail',
      description: 'Says whether a file that is missing or empty fails, or counts as 0.',
    },
  },
  prepare: ({ path, weight, reverse, missing }) => {
    const absolute = isAbsolute(path) ? path : resolve(path);
    // A file system that hangs takes one thread for each file, not one for each check of it.
    let reading: Promise<number | undefined> | undefined;
    const read = () => {
      reading ??= numberIn(absolute).finally(() => {
        reading = undefined;
      });
      return reading;
    };
    return async ({ signal }) => {
      const number = (await unlessAborted(read(), signal)) ?? (missing === 'zero' ? 0 : undefined);
      if (number === undefined) throw new CheckFailure('failed', `${absolute} is missing or empty`);
      return weight === 0 ? asState(number, reverse) : asWeight(number, reverse ? -weight : weight);
    };
  },
});

function asState(number: number, isReverse: boolean): Finding {
  if ((number !== 0) === isReverse) return passed(`the number is ${number}`);
  throw new CheckFailure('wrong answer', `the number is ${number}`);
}

function asWeight(number: number, factor: number): Finding {
  // Adding 0 turns -0 into 0.
  const add = Math.max(-MAX_WEIGHT, Math.min(MAX_WEIGHT, number * factor)) + 0;
  return passed(`the number is ${number}, which adds ${add}`, { advice: { add } });
}

/** Reads a whole number of decimal digits, with blanks around it. */
export function parseNumber(text: string): number | undefined {
  const found = /^\s*([+-]?\d{1,10})\s*$/.exec(text);
  const number = Number(found?.[1]);
  return found && number >= -0x80000000 && number <= 0x7fffffff ? number + 0 : undefined;
}

function unreadable(path: string, error: unknown): CheckFailure {
  return new CheckFailure('failed', `${path} can't be read: ${(error as Error).message}`, {
    cause: error,
    isOwnFault: true,
  });
}

/** Returns undefined when there is no file, or nothing in it. */
async function numberIn(path: string): Promise<number | undefined> {
  let handle: FileHandle;
  try {
    // A pipe without a writer must not hold the open.
    handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw unreadable(path, error);
  }
  try {
    if (!(await handle.stat()).isFile()) throw new CheckFailure('failed', `${path} is no file`, { isOwnFault: true });
    const { buffer, bytesRead } = await handle
      .read(Buffer.alloc(MAX_BYTES + 1), 0, MAX_BYTES + 1, 0)
      .catch((error: unknown) => Promise.reject(unreadable(path, error)));
    if (bytesRead > MAX_BYTES) throw new CheckFailure('wrong answer', `${path} has more than ${MAX_BYTES} bytes`);
    const text = buffer.toString('latin1', 0, bytesRead);
    if (text.trim() === '') return undefined;
    const number = parseNumber(text);
    if (number === undefined)
      throw new CheckFailure('wrong answer', `${path} holds no whole number of 32 bits: ${printable(text.trim())}`);
    return number;
  } finally {
    await handle.close();
  }
}

/**
 * Makes a check by a number in a file, which scripts and operators write.
 *
 * @example
 * ```ts
 * import { fileCheck } from 'tunvs/health';
 *
 * const check = fileCheck({ path: '/run/web/load', weight: -1, missing: 'zero' });
 * console.log(check.kind); // file
 * ```
 */
export const fileCheck = (options: FileCheckOptions): Check => file.make(options);
