/** Turns what the library refuses into what a file's reader is told. The rule and its sentence are the library's. */
import { TunvsError } from '../../values/errors.js';

export interface Refusal {
  /** The option as the library names it, such as `pathMtuFloor` or `device.name`. */
  option: string | undefined;
  message: string;
  mend: string;
}

const GOT = /^('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^:]*)(?:: (.*))?$/s;

/** Runs `check`; returns what it refuses. */
export function refused(check: () => void): Refusal | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    if (!(error instanceof TunvsError)) throw error;
    return refusalOf(error);
  }
}

/**
 * Runs `check` on options as often as it refuses one of them, each time without what was refused, so that all mistakes
 * are found at once.
 */
export function allRefused<T extends object>(options: T, check: (options: T) => void): Refusal[] {
  const refusals: Refusal[] = [];
  const left = { ...options };
  for (;;) {
    const refusal = refused(() => check(left));
    if (refusal === undefined) return refusals;
    const [field] = locate(refusal.option, options);
    // What was taken away is missing now, which is no mistake of its own.
    if (field !== undefined && Object.hasOwn(options, field) && !Object.hasOwn(left, field)) return refusals;
    refusals.push(refusal);
    if (field === undefined || left[field as keyof T] === undefined) return refusals;
    delete left[field as keyof T];
  }
}

/** Finds the field that an option is, which may lie in a map of the options, as `netmask` in `persistence`. */
export function locate(option: string | undefined, options: object): string[] {
  if (option === undefined) return [];
  const [first = '', ...others] = option.split('.');
  if (Object.hasOwn(options, first)) {
    const inner = options[first as keyof typeof options];
    return Array.isArray(inner) ? [first] : [first, ...others];
  }
  for (const [name, value] of Object.entries(options))
    if (typeof value === 'object' && value !== null && Object.hasOwn(value, first)) return [name, first, ...others];
  return [first];
}

function refusalOf({ message, option }: TunvsError): Refusal {
  const expected = message.indexOf(': expected ');
  const got = message.lastIndexOf(', got ');
  if (expected >= 0 && got > expected) {
    const wanted = message.slice(expected + ': expected '.length, got);
    const [, value, mend] = GOT.exec(message.slice(got + ', got '.length)) ?? [];
    if (value === 'undefined') return { option, message: 'it is missing', mend: `write ${wanted}` };
    if (value !== undefined)
      return {
        option,
        message: `${value} cannot stand here`,
        mend: `write ${wanted}${mend === undefined ? '' : `: ${mend}`}`,
      };
  }
  const named = option === undefined ? -1 : message.lastIndexOf(`${option}: `);
  const sentence = named < 0 ? message : message.slice(named + `${option}: `.length);
  // The native part sets the mend behind a semicolon.
  const colon = sentence.indexOf(': ');
  const end = colon < 0 ? sentence.lastIndexOf('; ') : colon;
  if (end < 0) return { option, message: sentence, mend: 'change it' };
  return { option, message: sentence.slice(0, end), mend: sentence.slice(end + 2) };
}
