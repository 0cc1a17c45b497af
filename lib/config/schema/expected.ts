/** Says in words what the schema expects at a path. */
import { bareSchema, type JsonSchema } from './json-schema.js';
import type { Path } from '../mistake.js';

/** Returns the schemas that can stand at a path, several where a union is. */
export function schemasAt(path: Path): JsonSchema[] {
  let found: JsonSchema[] = [bareSchema()];
  for (const part of path) found = found.flatMap(branches).flatMap((schema) => inner(schema, part));
  return found;
}

/** Returns what may stand where a schema is: the parts of its unions, and what it refers to. */
export function branches(schema: JsonSchema): JsonSchema[] {
  const { $ref, anyOf } = schema;
  if ($ref !== undefined) return branches(bareSchema().$defs?.[$ref.replace('#/$defs/', '')] ?? {});
  return anyOf ? anyOf.flatMap(branches) : [schema];
}

function inner(schema: JsonSchema, part: string | number): JsonSchema[] {
  if (typeof part === 'number') return schema.items ? [schema.items] : [];
  const { properties, additionalProperties } = schema;
  if (properties && Object.hasOwn(properties, part)) return [properties[part] as JsonSchema];
  return typeof additionalProperties === 'object' ? [additionalProperties] : [];
}

/** Returns the names of the fields that may stand in the map at a path. */
export function fieldsAt(path: Path): string[] {
  const known = schemasAt(path)
    .flatMap(branches)
    .flatMap(({ properties }) => Object.keys(properties ?? {}));
  if (path.length === 0) return [...known, 'include'];
  return path.length === 2 && path[0] === 'services' ? ['listen', 'sorryServer', ...known] : known;
}

/** Returns `an integer from 0 to 65535`, `one of rr, wrr`. */
export function expectedAt(path: Path): string {
  const words = schemasAt(path).flatMap(branches).map(wordsOf);
  return [...new Set(words)].join(' or ') || 'nothing';
}

function wordsOf(schema: JsonSchema): string {
  if (schema.title !== undefined) return schema.title;
  if (schema.enum) return `one of ${schema.enum.join(', ')}`;
  if (schema.const !== undefined) return `${schema.const}`;
  switch (schema.type) {
    case 'integer':
      return integerWords(schema);
    case 'number':
      return numberWords(schema);
    case 'boolean':
      return 'true or false';
    case 'array':
      return 'a list';
    case 'object':
      return schema.properties ? `a map of ${Object.keys(schema.properties).slice(0, 4).join(', ')} ...` : 'a map';
    default:
      return 'a text';
  }
}

function numberWords({ minimum, exclusiveMinimum, maximum, exclusiveMaximum }: JsonSchema): string {
  if (exclusiveMaximum !== undefined) return `a number above ${exclusiveMinimum} and below ${exclusiveMaximum}`;
  const least = exclusiveMinimum === undefined ? `from ${minimum}` : `above ${exclusiveMinimum}, and`;
  return `a number ${least} to ${maximum}`.replace('and to', 'at most');
}

function integerWords({ minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER }: JsonSchema): string {
  if (minimum === Number.MIN_SAFE_INTEGER) return 'an integer';
  if (maximum === Number.MAX_SAFE_INTEGER) return `an integer of at least ${minimum}`;
  return `an integer from ${minimum} to ${maximum}`;
}
