/** The OpenAPI 3.1 document of the routes, from the schemas that check their requests. */
import { z } from 'zod';
import { PROBLEM_MEDIA } from '../problem.js';
import type { Route } from './route.js';
import { problem } from '../schema/values.js';

type Json = Record<string, unknown>;

const JSON_MEDIA = 'application/json';

/** What any route may answer, by what it takes. */
function problemsOf({ access, body, query, isConditional, problems = [], media }: Route): number[] {
  return [
    ...(access === 'none' ? [] : [401, ...(access === 'write' ? [403] : [])]),
    ...(body ? [400, 413, 415, 422] : []),
    ...(query ? [400] : []),
    ...(media === undefined || media.length > 0 ? [406] : []),
    ...(isConditional ? [412] : []),
    ...problems,
    ...(access === 'none' ? [] : [503]),
  ];
}

const PROBLEMS: Readonly<Record<number, string>> = {
  400: 'The request cannot be read.',
  401: 'The caller has not said who it is.',
  403: 'The caller may not do this.',
  404: 'There is no such thing; the problem says what there is.',
  406: 'The route has no answer of a type that Accept names.',
  409: 'It does not fit what is there.',
  412: 'Somebody else has changed it since.',
  413: 'The body is too long.',
  415: 'The body is no JSON.',
  422: 'The body is refused; the problem names each mistake.',
  429: 'There are too many streams.',
  503: 'The director is closed, or its host cannot do this.',
};

export function openapiDocument(routes: readonly Route[], version = '0'): object {
  const components: Json = {};
  const schemaOf = (schema: z.ZodType) => jsonSchema(schema, components);
  schemaOf(problem);
  const paths: Record<string, Json> = {};
  for (const each of routes) {
    paths[each.path] = { ...paths[each.path], [each.method]: operation(each, schemaOf) };
  }
  return {
    openapi: '3.1.0',
    info: {
      title: 'tunvs',
      version,
      description: 'The control API of a running director.',
      license: { name: 'MIT', identifier: 'MIT' },
    },
    servers: [{ url: 'http://127.0.0.1:9480', description: 'Where --http says, or any name over the unix socket.' }],
    paths,
    components: { schemas: components, securitySchemes: { token: { type: 'http', scheme: 'bearer' } } },
  };
}

function operation(route: Route, schemaOf: (schema: z.ZodType) => Json): Json {
  const { id, summary, description, access, body, answers } = route;
  const parameters = [...pathParameters(route.path), ...queryParameters(route, schemaOf), ...conditions(route)];
  const responses: Json = {};
  for (const [status, { says, schema, media }] of Object.entries(answers)) {
    const types = media ? [media] : (route.media ?? [JSON_MEDIA]).map((type) => type.split(';')[0] as string);
    const content = types.map((type) => [type, schema && type === JSON_MEDIA ? { schema: schemaOf(schema) } : {}]);
    responses[status] = {
      description: says,
      ...((schema || media) && { content: Object.fromEntries(content) }),
    };
  }
  for (const status of new Set(problemsOf(route)))
    responses[status] = {
      description: PROBLEMS[status] ?? '',
      content: { [PROBLEM_MEDIA]: { schema: { $ref: '#/components/schemas/Problem' } } },
    };
  const isOptional = body?.safeParse(undefined).success;
  return {
    operationId: id,
    summary,
    ...(description !== undefined && { description }),
    security: access === 'none' ? [] : [{ token: [] }],
    ...(parameters.length > 0 && { parameters }),
    ...(body && { requestBody: { required: !isOptional, content: { [JSON_MEDIA]: { schema: schemaOf(body) } } } }),
    responses,
  };
}

const PATH_PARAMETERS: Readonly<Record<string, [says: string, example: string]>> = {
  service: ['The id of the virtual service.', 'tcp:192.0.2.1:80'],
  server: ['The real server: its address and port.', '10.3.0.11:80'],
};

function pathParameters(path: string): Json[] {
  return [...path.matchAll(/\{(\w+)\}/g)].map(([, name = '']) => {
    const [description, example] = PATH_PARAMETERS[name] ?? ['', ''];
    return { name, in: 'path', required: true, description, example, schema: { type: 'string' } };
  });
}

function queryParameters({ query }: Route, schemaOf: (schema: z.ZodType) => Json): Json[] {
  if (!(query instanceof z.ZodObject)) return [];
  const { properties = {} } = schemaOf(query) as { properties?: Record<string, Json> };
  return Object.entries(properties).map(([name, { description, ...schema }]) => ({
    ...{ name, in: 'query', required: false },
    ...(description !== undefined && { description }),
    schema,
  }));
}

function conditions({ isConditional, method, answers }: Route): Json[] {
  const header = (name: string, description: string) => ({
    name,
    in: 'header',
    description,
    schema: { type: 'string' },
  });
  if (isConditional) return [header('If-Match', 'The ETag of the version that is to be changed.')];
  if (method === 'get' && answers[200]?.media === undefined)
    return [header('If-None-Match', 'The ETag of the version that the reader has: the answer is 304 then.')];
  return [];
}

/** Returns the JSON Schema of what is sent, and puts those that have names among the components. */
function jsonSchema(schema: z.ZodType, components: Json): Json {
  // Within another, a schema that has a name is a reference.
  const { properties, $defs = {} } = z.toJSONSchema(z.object({ it: schema }), {
    io: 'input',
    unrepresentable: 'any',
  }) as unknown as { properties: { it: Json }; $defs?: Json };
  const rewrite = (value: unknown): unknown =>
    JSON.parse(JSON.stringify(value).replaceAll('"#/$defs/', '"#/components/schemas/'));
  for (const [name, definition] of Object.entries($defs)) {
    const { id: _, ...rest } = rewrite(definition) as Json;
    components[name] = rest;
  }
  return rewrite(properties.it) as Json;
}
