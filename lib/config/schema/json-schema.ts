/** The JSON Schema of a configuration file, for editors and for the sentences of mistakes. */
import { z } from 'zod';
import { specSchema } from '../spec.js';

/** As much of JSON Schema as ours uses. */
export interface JsonSchema {
  type?: string;
  title?: string;
  description?: string;
  enum?: unknown[];
  const?: unknown;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
  exclusiveMaximum?: number;
  properties?: Record<string, JsonSchema>;
  items?: JsonSchema;
  anyOf?: JsonSchema[];
  additionalProperties?: boolean | JsonSchema;
  required?: string[];
  $ref?: string;
  $defs?: Record<string, JsonSchema>;
  [keyword: string]: unknown;
}

let bare: JsonSchema | undefined;

/** What a file says once its short forms are written out. */
export function bareSchema(): JsonSchema {
  bare ??= z.toJSONSchema(specSchema, { io: 'input' }) as JsonSchema;
  return bare;
}

const SHORT_SERVER: JsonSchema = {
  type: 'string',
  title: 'ADDRESS or ADDRESS:PORT',
  description: "Names a real server by its address, and its port unless it is the service's.",
};

const VARIABLE: JsonSchema = {
  type: 'object',
  description: 'Takes the value of an environment variable, or `default` where it is not set.',
  properties: {
    env: { type: 'string', description: 'Names the environment variable.' },
    default: { type: ['string', 'number', 'boolean'] as unknown as string, description: 'Stands in for it.' },
  },
  required: ['env'],
  additionalProperties: false,
};

/**
 * Returns the JSON Schema (draft 2020-12) of a configuration file. The package has it as `schema/tunvs.schema.json`.
 *
 * @example
 * ```ts
 * import { configSchema } from 'tunvs/config';
 *
 * console.log(Object.hasOwn(configSchema().properties ?? {}, 'services')); // true
 * ```
 */
export function configSchema(): JsonSchema {
  const schema = structuredClone(bareSchema());
  const properties = schema.properties as Record<string, JsonSchema>;
  const service = (properties.services as JsonSchema).items as JsonSchema;
  const serviceProperties = service.properties as Record<string, JsonSchema>;
  const servers = serviceProperties.servers as JsonSchema;
  const sorryServers = serviceProperties.sorryServers as JsonSchema;
  service.properties = {
    listen: {
      type: 'string',
      description: 'Names the service in one text, as in tcp 192.0.2.1:80, instead of protocol, address and port.',
    },
    ...serviceProperties,
  };
  const sorryServer = { anyOf: [SHORT_SERVER, sorryServers.items as JsonSchema] };
  servers.items = { anyOf: [SHORT_SERVER, servers.items as JsonSchema] };
  sorryServers.items = sorryServer;
  service.properties.sorryServer = {
    description: 'Names the one server that takes over while the service is below its quorum.',
    ...sorryServer,
  };
  schema.properties = {
    ...properties,
    include: {
      description:
        'Includes files, each with a service or several: a file, a folder, or a pattern such as services.d/*.yaml.',
      anyOf: [{ type: 'string' }, { type: 'array', items: { type: 'string' } }],
    },
  };
  const defined = Object.entries(schema.$defs ?? {}).map(([name, each]) => [name, withVariables(each)]);
  return {
    ...withVariables(schema),
    title: 'The configuration of a tunvs director',
    $defs: { ...Object.fromEntries(defined), variable: VARIABLE },
  };
}

/** A single value may be named by an environment variable instead. */
function withVariables(schema: JsonSchema, name = ''): JsonSchema {
  if (name === 'tokens' || name === 'include' || schema.$ref !== undefined) return schema;
  if (schema.properties)
    return {
      ...schema,
      properties: Object.fromEntries(
        Object.entries(schema.properties).map(([field, each]) => [field, withVariables(each, field)]),
      ),
    };
  if (schema.items) return { ...schema, items: withVariables(schema.items) };
  const { description, ...rest } = schema;
  const described = description === undefined ? {} : { description };
  if (typeof schema.additionalProperties === 'object')
    return { ...schema, additionalProperties: withVariables(schema.additionalProperties) };
  const variable = { $ref: '#/$defs/variable' };
  if (schema.anyOf) return { ...described, anyOf: [...schema.anyOf.map(withInner), variable] };
  return { ...described, anyOf: [rest, variable] };
}

const withInner = (schema: JsonSchema) => (schema.properties || schema.items ? withVariables(schema) : schema);
