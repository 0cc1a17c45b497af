/** Checks what callers pass; each error names the option, what came and what was expected. */
import { inspect } from 'node:util';
import { TunvsError } from './errors.js';
import { canonicalAddress, isUnicast } from './inet.js';

export const MAX_INT32 = 0x7fffffff;
export const MAX_UINT32 = 0xffffffff;
const MAX_UINT64 = 0xffffffffffffffffn;

/**
 * `mend` stands last: what to do, or what is wrong with this value, where `expected` does not say it.
 *
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT, always.
 */
export function refuse(name: string, value: unknown, expected: string, mend?: string): never {
  const sentence = `${name}: expected ${expected}, got ${shownValue(value)}`;
  throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', mend === undefined ? sentence : `${sentence}: ${mend}`, {
    option: optionOf(name),
  });
}

/** What stands before is the call. */
export function optionOf(name: string): string {
  return name
    .slice(name.lastIndexOf(': ') + 1)
    .trim()
    .replace(/ options$/, '');
}

/** Makes the error of a constructor that callers must not call. */
export function notByNew(what: string, maker: string): TunvsError {
  return new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `${what} is not made by new: call ${maker}`);
}

/** A value may bring its own code for showing itself, which may throw. */
function shownValue(value: unknown): string {
  try {
    return inspect(value, {
      depth: 1,
      breakLength: Number.POSITIVE_INFINITY,
      maxStringLength: 80,
      maxArrayLength: 8,
    });
  } catch {
    // The value is refused anyway, so its own error does not matter.
    return `a value of type ${typeof value} that cannot be shown`;
  }
}

/**
 * Runs `read`, which reads what a caller passed. What getters, proxies and conversions throw meanwhile becomes a
 * refusal with what was thrown as its cause. REQUIRES: `read` has no effect.
 *
 * @throws {@link TunvsError} and nothing else.
 */
export function readArguments<T>(call: string, read: () => T): T {
  try {
    return read();
  } catch (error) {
    if (error instanceof TunvsError) throw error;
    throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `${call}: the arguments cannot be read: ${said(error)}`, {
      cause: error,
      option: call.includes(': ') ? optionOf(call) : undefined,
    });
  }
}

function said(error: unknown): string {
  try {
    return error instanceof Error ? error.message : shownValue(error);
  } catch {
    // The message cannot be read; the error itself is the cause.
    return shownValue(error);
  }
}

/**
 * Returns a copy of the options after checking that every key is one of `allowed`; `name` is the call, as in
 * "Director.open". Each option is read once: what was checked is what is used, whatever a getter says the next time.
 */
export function checkedOptions<T extends object>(
  name: string,
  value: T | undefined,
  allowed: readonly (keyof T & string)[],
): T {
  return readArguments(name, () => {
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return refuse(`${name} options`, value, 'an object');
    for (const key of Object.keys(value)) {
      if (allowed.includes(key as keyof T & string)) continue;
      throw new TunvsError(
        'ERR_TUNVS_INVALID_ARGUMENT',
        `${name}: there is no option "${key}"; it takes ${allowed.join(', ')}`,
        { option: key },
      );
    }
    const copy: Partial<T> = {};
    for (const key of allowed) if (key in value) readArguments(`${name}: ${key}`, () => (copy[key] = value[key]));
    return copy as T;
  });
}

/** `fallback` stands in for undefined; without a fallback the option is required. */
export function integerOption(name: string, value: unknown, min: number, max: number, fallback?: number): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(name, value, `an integer from ${min} to ${max}`);
}

/** Checks a duration that a timer takes: [min, 2^31 - 1] ms. */
export function durationOption(name: string, value: unknown, min: number, fallback?: number): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value === 'number' && value >= min && value <= MAX_INT32) return value;
  return refuse(name, value, `a number of milliseconds from ${min} to ${MAX_INT32}`);
}

export function booleanOption(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback;
  return typeof value === 'boolean' ? value : refuse(name, value, 'true or false');
}

export function choiceOption<T extends string>(name: string, value: unknown, choices: readonly T[], fallback?: T): T {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value === 'string' && (choices as readonly string[]).includes(value)) return value as T;
  return refuse(name, value, `one of ${choices.map((choice) => `'${choice}'`).join(', ')}`);
}

/** Checks a unicast IP address; returns its canonical spelling. */
export function addressOption(name: string, value: unknown): string {
  const address = typeof value === 'string' ? canonicalAddress(value) : undefined;
  if (address === undefined) return refuse(name, value, "an IP address such as '192.0.2.1'");
  if (!isUnicast(address)) return refuse(name, value, 'a unicast address: not unspecified, multicast or broadcast');
  return address;
}

/** Takes [0, 2^64) as a bigint or a safe integer. */
export function uint64Option(name: string, value: unknown): bigint {
  const big = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof big === 'bigint' && big >= 0n && big <= MAX_UINT64) return big;
  return refuse(name, value, 'an integer from 0 to 2^64 - 1, as a bigint or a safe integer');
}

export function signalOption(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || isSignal(value)) return value;
  return refuse(name, value, 'an AbortSignal');
}

const readAborted = Object.getOwnPropertyDescriptor(AbortSignal.prototype, 'aborted')?.get as () => boolean;

/** Judges by behaviour: a prototype alone makes no signal, and asking a proxy for its prototype may throw. */
function isSignal(value: unknown): value is AbortSignal {
  try {
    readAborted.call(value);
    return true;
  } catch {
    // A value that throws when it is examined is not a signal.
    return false;
  }
}

export function functionOption<T>(name: string, value: T): T {
  return typeof value === 'function' ? value : refuse(name, value, 'a function');
}
