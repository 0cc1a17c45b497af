/** What a kind of check is: its name, the table of its options, and how a check is made of their values. */
import {
  booleanOption,
  checkedOptions,
  choiceOption,
  durationOption,
  integerOption,
  MAX_INT32,
  readArguments,
  refuse,
} from '../../values/options.js';
import type { Check, CheckContext, Finding } from './check.js';

/** What a check that is made of the file does with it. */
export type FileUse = 'readable' | 'executable';

/** A value of one piece. */
export type ScalarType =
  | { type: 'integer'; min: number; max: number }
  /** Milliseconds; the option's name ends in Ms, and the configuration takes a unit. */
  | { type: 'duration'; minMs: number; maxMs?: number }
  | { type: 'boolean' }
  | { type: 'choice'; choices: readonly string[] }
  /** `what` says what the text is, as in 'a host name'; `parse` throws an Error that says what is wrong with it. */
  | { type: 'string'; what: string; pattern?: RegExp; parse?: (text: string) => unknown; maxLength?: number }
  /** The name of a file; the configuration takes it relative to its own file, and says where it is no use as it is. */
  | { type: 'file'; mustBe?: FileUse };

export type OptionType =
  | ScalarType
  | { type: 'list'; of: ScalarType; min?: number; max: number }
  /** An object whose keys are free within `keys`, such as header fields. */
  | { type: 'map'; keys: RegExp; of: ScalarType; max: number };

/** One option of a kind: the configuration's schema, its JSON Schema and its page are made from it. */
export type CheckOption = OptionType & {
  /** One sentence, verb first: 'Sets the path that is asked for.' It does not name the default. */
  description: string;
  /** The value that stands in when the option is left out. */
  default?: unknown;
  /** What stands in when the option is left out, in words, where it is no plain value. */
  defaultSaid?: string;
  /** Whether the option cannot be left out. */
  isRequired?: true;
  /** Whether the value is a secret, such as a header with a token: nobody prints it. */
  isSecret?: true;
};

/** The options of a kind by their names; those in D have a default. */
export type CheckOptions<O, D extends keyof O = never> = {
  readonly [K in keyof Required<O>]: K extends D
    ? CheckOption & { default: NonNullable<O[K]> }
    : undefined extends O[K]
      ? CheckOption
      : CheckOption & { isRequired: true };
};

/** A kind of check. */
export interface CheckKind<O extends object = object> {
  /** As in the configuration: 'tcp', 'http'. */
  readonly name: string;
  /** One sentence: when a server passes. */
  readonly description: string;
  /** The options by their names. */
  readonly options: Readonly<Record<string, CheckOption>>;
  /** Makes a check. Refuses mistakes with ERR_TUNVS_INVALID_ARGUMENT; `option` of the error names the option. */
  make(options?: O): Check;
}

export type RunCheck = (context: CheckContext) => Promise<Finding>;

export interface KindDefinition<O, D extends keyof O> {
  name: string;
  description: string;
  /** Whether its checks reach the server by a way; true unless it is said. */
  needsWay?: boolean;
  /** Whether its checks close what they open before they answer. */
  closesAll?: true;
  options: CheckOptions<O, D>;
  /** Is called once for each check; refuses what does not fit together by `refuse`, with `NAME: OPTION` as the name. */
  prepare(values: O & Required<Pick<O, D>>): RunCheck;
}

/** Makes a kind of its table of options. */
export function defineKind<O extends object, D extends keyof O = never>(definition: KindDefinition<O, D>) {
  const { name, description, needsWay = true, closesAll = false, prepare } = definition;
  const options: Readonly<Record<string, CheckOption>> = definition.options;
  const kind: CheckKind<O> = {
    name,
    description,
    options,
    make: (given) => {
      const values = readCheckOptions(name, options, given ?? {});
      const run = prepare(values as O & Required<Pick<O, D>>);
      return {
        kind: name,
        identity: `${name} ${JSON.stringify(values)}`,
        needsWay,
        ...(closesAll && { closesAll }),
        run,
      };
    },
  };
  return kind;
}

/** Checks the values by the table; the result has them in the table's order, and the defaults. */
export function readCheckOptions(
  name: string,
  table: Readonly<Record<string, CheckOption>>,
  given: object,
): Record<string, unknown> {
  const taken = checkedOptions(name, given as Record<string, unknown>, Object.keys(table));
  const values: Record<string, unknown> = {};
  for (const [key, option] of Object.entries(table)) {
    const value = taken[key] === undefined ? option.default : taken[key];
    if (value !== undefined)
      values[key] = readArguments(`${name}: ${key}`, () => readValue(`${name}: ${key}`, value, option));
    else if (option.isRequired) refuse(`${name}: ${key}`, value, expectedOf(option));
  }
  return values;
}

function readValue(name: string, value: unknown, option: OptionType): unknown {
  if (option.type === 'list') return readList(name, value, option);
  if (option.type === 'map') return readMap(name, value, option);
  return readScalar(name, value, option);
}

function readList(name: string, value: unknown, { of, min = 0, max }: OptionType & { type: 'list' }): unknown[] {
  if (!Array.isArray(value) || value.length < min || value.length > max)
    return refuse(name, value, `a list of ${min} to ${max} values`);
  return Array.from(value, (each, index) => readScalar(`${name}[${index}]`, each, of));
}

/** The keys are sorted, so that the same map in another order is the same. */
function readMap(name: string, value: unknown, { keys, of, max }: OptionType & { type: 'map' }): object {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return refuse(name, value, 'an object');
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  if (entries.length > max) return refuse(name, value, `an object of at most ${max} fields`);
  const read = entries.map(([key, each]) => {
    if (!keys.test(key)) return refuse(name, key, `names that match ${keys}`);
    return [key, readScalar(`${name}.${key}`, each, of)];
  });
  return Object.fromEntries(read);
}

function readScalar(name: string, value: unknown, type: ScalarType): unknown {
  switch (type.type) {
    case 'integer':
      return integerOption(name, value, type.min, type.max);
    case 'duration':
      if (typeof value === 'number' && value > (type.maxMs ?? MAX_INT32)) return refuse(name, value, expectedOf(type));
      return durationOption(name, value, type.minMs);
    case 'boolean':
      return booleanOption(name, value, false);
    case 'choice':
      return choiceOption(name, value, type.choices);
    case 'string':
      return readString(name, value, type);
    case 'file':
      if (typeof value === 'string' && value !== '' && !value.includes('\0')) return value;
      return refuse(name, value, expectedOf(type));
  }
}

const MAX_TEXT = 65_536;

function readString(name: string, value: unknown, type: ScalarType & { type: 'string' }): string {
  const { pattern, parse, maxLength = MAX_TEXT } = type;
  if (typeof value !== 'string' || pattern?.test(value) === false) return refuse(name, value, expectedOf(type));
  if (value.length > maxLength) return refuse(name, value, `at most ${maxLength} characters`);
  try {
    parse?.(value);
  } catch (error) {
    return refuse(name, value, expectedOf(type), (error as Error).message);
  }
  return value;
}

/** What an option takes, in words. */
export function expectedOf(option: OptionType): string {
  switch (option.type) {
    case 'integer':
      return `an integer from ${option.min} to ${option.max}`;
    case 'duration':
      return `a number of milliseconds from ${option.minMs} to ${option.maxMs ?? MAX_INT32}`;
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${option.choices.map((choice) => `'${choice}'`).join(', ')}`;
    case 'string':
      return option.what;
    case 'file':
      return 'the name of a file';
    case 'list':
      return `a list, each ${expectedOf(option.of)}`;
    case 'map':
      return `an object, each value ${expectedOf(option.of)}`;
  }
}

/** The option `port` of every kind that connects. */
export const portOption = {
  type: 'integer',
  min: 1,
  max: 65535,
  description: 'Sets the port that is asked, in place of the one that the service has.',
  defaultSaid: 'the port of the service, or that of the real server by its own address',
} as const satisfies CheckOption;
