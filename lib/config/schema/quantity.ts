/** Durations and sizes as a configuration file writes them: a number in the unit of the field's name, or with a unit. */
import { z } from 'zod';

const MICROSECONDS: Readonly<Record<string, number>> = {
  us: 1,
  ms: 1e3,
  s: 1e6,
  m: 60e6,
  h: 3600e6,
  d: 86_400e6,
};

const BYTES: Readonly<Record<string, number>> = {
  B: 1,
  kB: 1e3,
  MB: 1e6,
  GB: 1e9,
  KiB: 2 ** 10,
  MiB: 2 ** 20,
  GiB: 2 ** 30,
};

const DURATION = /^(\d{1,12}(?:\.\d{1,6})?)(us|ms|s|m|h|d)$/;
const SIZE = /^(\d{1,12}(?:\.\d{1,6})?)(B|kB|MB|GB|KiB|MiB|GiB)$/;

const WAYS = {
  us: { pattern: DURATION, units: MICROSECONDS, divisor: 1, named: 'microseconds', example: '50us' },
  ms: { pattern: DURATION, units: MICROSECONDS, divisor: 1e3, named: 'milliseconds', example: '10s' },
  s: { pattern: DURATION, units: MICROSECONDS, divisor: 1e6, named: 'seconds', example: '10m' },
  bytes: { pattern: SIZE, units: BYTES, divisor: 1, named: 'bytes', example: '64KiB' },
} as const;

export type QuantityUnit = keyof typeof WAYS;

/** Returns the number of units that a text such as `10s` or `64KiB` stands for, undefined when it is no such text. */
export function parseQuantity(text: string, unit: QuantityUnit): number | undefined {
  const { pattern, units, divisor } = WAYS[unit];
  const [, number, suffix] = pattern.exec(text) ?? [];
  if (number === undefined || suffix === undefined) return undefined;
  return (Number(number) * (units[suffix] as number)) / divisor;
}

function withUnit(unit: QuantityUnit, min: number, max: number) {
  const { pattern, named, example } = WAYS[unit];
  const what = unit === 'bytes' ? 'size' : 'duration';
  const text = z
    .string()
    .regex(pattern)
    .meta({ title: `a ${what} such as ${example}` });
  return text.transform((written, context) => {
    const value = parseQuantity(written, unit) as number;
    if (Number.isInteger(value) && value >= min && value <= max) return value;
    context.addIssue({
      code: 'custom',
      message: `${written} is not a whole number of ${named} from ${min} to ${max}`,
    });
    return z.NEVER;
  });
}

/** The field's name says the unit, so that a bare number is clear; a text has a unit of its own. */
export function quantity(unit: QuantityUnit, min: number, max: number) {
  return z.union([z.int().min(min).max(max), withUnit(unit, min, max)]);
}

/** The field's name says no unit, so that the text has to. The value is a number of milliseconds. */
export function duration(min: number, max: number) {
  return withUnit('ms', min, max);
}
