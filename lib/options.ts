/** Checks of what callers hand in: each names the option, what came and what was expected. */
import { inspect } from 'node:util';
import { TunvsError } from './errors.js';
import { canonicalAddress, isUnicast } from './inet.js';

export const MAX_INT32 = 0x7fffffff;
export const MAX_UINT32 = 0xffffffff;
const MAX_UINT64 = 0xffffffffffffffffn;

/** @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT, always. */
export function refuse(name: string, value: unknown, expected: string): never {
  const shown = inspect(value, {
    depth: 1,
    breakLength: Number.POSITIVE_INFINITY,
    maxStringLength: 80,
    maxArrayLength: 8,
  });
  // What stands before is the call.
  const option = name.slice(name.lastIndexOf(': ') + 1).trim();
  throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', `${name}: expected ${expected}, got ${shown}`, { option });
}

/** The options as a record, once every key is one of `allowed`; `name` is the call, as in "Director.open". */
export function checkedOptions<T extends object>(
  name: string,
  value: T | undefined,
  allowed: readonly (keyof T & string)[],
): T {
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    refuse(`${name} options`, value, 'an object');
  for (const key of Object.keys(value)) {
    if (!allowed.includes(key as keyof T & string)) {
      throw new TunvsError(
        'ERR_TUNVS_INVALID_ARGUMENT',
        `${name}: there is no option "${key}"; it takes ${allowed.join(', ')}`,
      );
    }
  }
  return value;
}

/** `fallback` stands in for undefined; without one the option is required. */
export function integerOption(name: string, value: unknown, min: number, max: number, fallback?: number): number {
  if (value === undefined && fallback !== undefined) return fallback;
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) return value;
  return refuse(name, value, `an integer from ${min} to ${max}`);
}

/** A duration that a timer takes: [min, 2^31 - 1] ms. */
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

/** A unicast IP address, in its canonical spelling. */
export function addressOption(name: string, value: unknown): string {
  const address = typeof value === 'string' ? canonicalAddress(value) : undefined;
  if (address === undefined) return refuse(name, value, "an IP address such as '192.0.2.1'");
  if (!isUnicast(address)) return refuse(name, value, 'a unicast address: not unspecified, multicast or broadcast');
  return address;
}

/** [0, 2^64) from a bigint or a safe integer. */
export function uint64Option(name: string, value: unknown): bigint {
  const big = typeof value === 'number' && Number.isSafeInteger(value) ? BigInt(value) : value;
  if (typeof big === 'bigint' && big >= 0n && big <= MAX_UINT64) return big;
  return refuse(name, value, 'an integer from 0 to 2^64 - 1, as a bigint or a safe integer');
}

export function signalOption(name: string, value: unknown): AbortSignal | undefined {
  if (value === undefined || value instanceof AbortSignal) return value;
  return refuse(name, value, 'an AbortSignal');
}

export function functionOption<T>(name: string, value: T): T {
  return typeof value === 'function' ? value : refuse(name, value, 'a function');
}
