/** What a configuration file says of a check, made of the kinds' tables of options. */
import { z } from 'zod';
import { checkKinds } from '../../health/checks/index.js';
import type { CheckKind, CheckOption, OptionType, ScalarType } from '../../health/checks/kind.js';
import { MAX_INT32 } from '../../values/options.js';
import { duration } from './quantity.js';

/** The options of one kind, by the names of the file. */
export type CheckOptionValues = Readonly<Record<string, unknown>>;

/** A duration's unit stands in the file's text, not in its name. */
export const fieldOf = (option: string, { type }: OptionType) =>
  type === 'duration' ? option.replace(/Ms$/, '') : option;

function scalarSchema(option: ScalarType): z.ZodType {
  switch (option.type) {
    case 'integer':
      return z.int().min(option.min).max(option.max);
    case 'duration':
      return duration(option.minMs, option.maxMs ?? MAX_INT32);
    case 'boolean':
      return z.boolean();
    case 'choice':
      return orNumber(z.enum(option.choices as [string, ...string[]]), `one of ${option.choices.join(', ')}`);
    case 'string':
      return textSchema(option);
    case 'file':
      return z.string().min(1).meta({ title: 'the name of a file' });
  }
}

/** What `parse` finds wrong is found where the check is made, with its sentence. */
function textSchema({ what, pattern, maxLength }: ScalarType & { type: 'string' }): z.ZodType {
  let text = z.string();
  if (pattern !== undefined) text = text.regex(pattern);
  if (maxLength !== undefined) text = text.max(maxLength);
  return orNumber(text, what);
}

/** YAML reads `status: 200` as a number, which stands for its digits here. */
function orNumber(text: z.ZodType<string, string>, what: string): z.ZodType {
  const number = z.number().transform(String).pipe(text);
  return z.union([text.meta({ title: what }), number.meta({ title: what })]);
}

function optionSchema(option: CheckOption): z.ZodType {
  switch (option.type) {
    case 'list':
      return z
        .array(scalarSchema(option.of))
        .min(option.min ?? 0)
        .max(option.max);
    case 'map':
      return z.record(z.string().regex(option.keys), scalarSchema(option.of));
    default:
      return scalarSchema(option);
  }
}

function kindSchema({ description, options }: CheckKind): z.ZodType<CheckOptionValues> {
  const fields = Object.entries(options).map(([name, option]) => {
    const schema = optionSchema(option);
    return [fieldOf(name, option), (option.isRequired ? schema : schema.optional()).describe(saidOf(option))];
  });
  return z.strictObject(Object.fromEntries(fields) as Record<string, z.ZodType>).describe(description);
}

function saidOf(option: CheckOption): string {
  const fallback = fallbackOf(option);
  return fallback === undefined ? option.description : `${option.description} The default is ${fallback}.`;
}

/** What stands in when an option is left out, as a file would write it; undefined where nothing does. */
export function fallbackOf(option: CheckOption): string | undefined {
  if (option.defaultSaid !== undefined) return option.defaultSaid;
  const value = option.default;
  if (value === undefined) return undefined;
  if (option.type === 'duration') return `${value}ms`;
  return typeof value === 'string' ? `'${value}'` : JSON.stringify(value);
}

const kinds = checkKinds as readonly CheckKind[];

/** Kinds that need no option, so that their name says all. */
const bare = kinds.filter(({ options }) => !Object.values(options).some(({ isRequired }) => isRequired));

/** A check by the name of its kind alone, by its kind with options, or by a module that exports a function. */
export const checkSchema = z
  .union([
    z
      .string()
      .regex(new RegExp(`^(?:${bare.map(({ name }) => name).join('|')}|\\.{0,2}/.+)$`))
      .meta({ title: `one of ${bare.map(({ name }) => name).join(', ')}, or a path that begins with ./, ../ or /` }),
    z.strictObject(
      Object.fromEntries(kinds.map((kind) => [kind.name, kindSchema(kind).optional().describe(kind.description)])),
    ),
  ])
  .meta({ id: 'check' });

/** A check that is wanted. The map has one field, which names the kind. */
export type CheckSpec = z.output<typeof checkSchema>;
