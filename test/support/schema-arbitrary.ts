/** Values that fit a JSON Schema, that nearly do, and that do not at all. */
import fc from 'fast-check';

interface Schema {
  $ref?: string;
  type?: string;
  enum?: unknown[];
  const?: unknown;
  anyOf?: Schema[];
  oneOf?: Schema[];
  properties?: Record<string, Schema>;
  required?: string[];
  additionalProperties?: Schema | boolean;
  propertyNames?: Schema;
  items?: Schema;
  minimum?: number;
  maximum?: number;
}

/** Texts that mean something to a director, and some that must not. */
const TEXTS = [
  ...['192.0.2.1', '192.0.2.2', '192.0.2.0/28', '10.3.0.11', '10.3.0.12', '10.2.0.2', '2001:db8::1', '2001:db8:3::11'],
  ...['tcp:192.0.2.1:80', 'tcp:[2001:db8::1]:443', 'udp:192.0.2.1:5000-5010', 'mark:7', 'mark6:7', '10.3.0.11:80'],
  ...['', '/', '%', '..', '__proto__', 'constructor', 'toString', '\u0000', '\ud800', '255.255.255.0', '0', 'S'],
  ...['224.0.0.1', '0.0.0.0', '::', '::1', '127.0.0.1', 'fe80::1', '::ffff:1.2.3.4', '10.3.0.11:99999', '[::]:-1'],
];

export const anyText = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...TEXTS) },
  { weight: 1, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
);

const anyNumber = fc.oneof(
  fc.integer({ min: 0, max: 100 }),
  fc.constantFrom(-1, 80, 443, 65535, 65536, 2 ** 31, 2 ** 32, 1e300, 0.5, -0),
  fc.integer(),
);

/** `components` are what `$ref` names. */
export function fitting(schema: Schema, components: Record<string, Schema>): fc.Arbitrary<unknown> {
  const of = (inner: Schema) => fitting(inner, components);
  if (schema.$ref) return of(components[schema.$ref.split('/').at(-1) as string] as Schema);
  if ('const' in schema) return fc.constant(schema.const);
  if (schema.enum) return fc.constantFrom(...schema.enum);
  const either = schema.anyOf ?? schema.oneOf;
  if (either) return fc.oneof(...either.map(of));
  const { type, minimum = 0, maximum = 2 ** 31 } = schema;
  if (type === 'boolean') return fc.boolean();
  if (type === 'integer' || type === 'number') {
    const near = fc.integer({ min: minimum, max: Math.min(maximum, minimum + 100) });
    return fc.oneof(near, fc.constantFrom(minimum, Math.min(maximum, Number.MAX_SAFE_INTEGER)));
  }
  if (type === 'string') return anyText;
  if (type === 'array') return fc.array(of(schema.items ?? {}), { maxLength: 4 });
  if (type === 'object' && schema.properties) {
    const members = Object.fromEntries(Object.entries(schema.properties).map(([name, inner]) => [name, of(inner)]));
    return fc.record(members, { requiredKeys: schema.required ?? [] });
  }
  if (type === 'object' && typeof schema.additionalProperties === 'object') {
    const names = schema.propertyNames ? of(schema.propertyNames) : anyText;
    return fc.dictionary(names as fc.Arbitrary<string>, of(schema.additionalProperties), { maxKeys: 3 });
  }
  return fc.jsonValue();
}

/** Puts something else in one place of a value. */
export function bent(value: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> {
  const other = fc.oneof(anyText, anyNumber, fc.constantFrom(null, true, [], {}), fc.jsonValue());
  return fc
    .tuple(value, fc.nat(), fc.nat(), other)
    .map(([whole, at, deeper, strange]) => bend(whole, at, deeper, strange));
}

function bend(value: unknown, at: number, deeper: number, strange: unknown): unknown {
  if (typeof value !== 'object' || value === null) return strange;
  const names = [...Object.keys(value), 'strange'];
  const name = names[at % names.length] as string;
  const inner = (value as Record<string, unknown>)[name];
  const next = deeper % 3 === 0 ? strange : bend(inner, deeper, Math.floor(deeper / 3), strange);
  if (Array.isArray(value)) return [...value, next];
  return { ...value, [name]: next };
}
