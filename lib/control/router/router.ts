/** Brings requests to routes, and what routes return, or throw, into the form of HTTP. */
import { Hono, type Context } from 'hono';
import type { Access } from '../door/door.js';
import { PROBLEM_MEDIA, Problem, toProblem } from '../problem.js';
import { assertAccess } from './access.js';
import { isUnmodified } from './conditions.js';
import { jsonInTurns } from './json-in-turns.js';
import { checkedBody, checkedQuery, readJson } from './reading.js';
import type { AppState, Call, Reply, Route } from './route.js';

type Env = { Bindings: { access: Access } };

const JSON_MEDIA = 'application/json';

export function router(routes: readonly Route[], state: AppState): Hono<Env> {
  const app = new Hono<Env>();
  for (const path of new Set(routes.map((each) => each.path))) {
    const here = routes.filter((each) => each.path === path);
    const at = path.replaceAll(/\{(\w+)\}/g, ':$1');
    for (const each of here) app.on(each.method.toUpperCase(), at, (c) => answer(each, c, state));
    app.all(at, (c) => otherMethod(here, c.req.method));
  }
  app.notFound((c) =>
    problemResponse(
      new Problem(404, 'ERR_TUNVS_NOT_FOUND', `there is nothing at ${c.req.path.slice(0, 200)}: see /v1/openapi.json`),
    ),
  );
  app.onError((error) => failed(error, state));
  return app;
}

async function answer(route: Route, c: Context<Env>, state: AppState): Promise<Response> {
  const request = c.req.raw;
  assertAccess(route.access, c.env.access);
  assertAcceptable(route, request.headers.get('accept'));
  const query = checkedQuery(route.query, new URL(request.url).searchParams);
  const body = route.body && checkedBody(route.body, await readJson(request, state.limits.bodyBytes));
  const call: Call = {
    ...state,
    openapi: () => state.openapi(),
    params: c.req.param() as unknown as Record<string, string>,
    ...{ query, body, request, access: c.env.access },
  };
  const reply = await route.run(call);
  return await respond(reply, call);
}

async function respond(reply: Reply, { request, streams, access }: Call): Promise<Response> {
  const headers = new Headers({ 'cache-control': 'no-cache', ...reply.headers });
  if (reply.etag !== undefined) {
    headers.set('etag', reply.etag);
    if ((request.method === 'GET' || request.method === 'HEAD') && isUnmodified(request.headers, reply.etag))
      return new Response(null, { status: 304, headers });
  }
  const { text, stream } = reply;
  if (text !== undefined || stream !== undefined) {
    const status = reply.status ?? 200;
    headers.set('content-type', reply.media ?? 'text/plain; charset=utf-8');
    if (request.method === 'HEAD') return new Response(null, { status, headers });
    return new Response(stream ? streams.open(stream, access) : [...(text ?? [])].join(''), { status, headers });
  }
  if (reply.body === undefined) return new Response(null, { status: reply.status ?? 204, headers });
  headers.set('content-type', reply.media ?? JSON_MEDIA);
  const json = `${await jsonInTurns(reply.body)}\n`;
  headers.set('content-length', `${Buffer.byteLength(json)}`);
  return new Response(json, { status: reply.status ?? 200, headers });
}

function allowedMethods(here: readonly Route[]): string {
  const names = here.map(({ method }) => method.toUpperCase());
  return [...new Set([...names, ...(names.includes('GET') ? ['HEAD'] : []), 'OPTIONS'])].sort().join(', ');
}

function otherMethod(here: readonly Route[], method: string): Response {
  const allow = allowedMethods(here);
  if (method === 'OPTIONS') return new Response(null, { status: 204, headers: { allow } });
  const detail = `${method.slice(0, 20)} is not for ${here[0]?.path}: use ${allow}`;
  return problemResponse(new Problem(405, 'ERR_TUNVS_INVALID_ARGUMENT', detail, { headers: { allow } }));
}

function assertAcceptable(route: Route, accept: string | null): void {
  if (accept === null || accept.trim() === '') return;
  const offered = route.media ?? [JSON_MEDIA];
  const ranges = accept.split(',').map((part) => part.trim().split(/\s*;\s*/));
  const isWanted = ranges.some(([range = '', ...params]) => {
    if (params.some((param) => /^q=0(\.0*)?$/i.test(param))) return false;
    const wanted = range.toLowerCase();
    return offered.some((media) => {
      const type = media.split(';')[0] as string;
      return wanted === '*/*' || wanted === type || (wanted.endsWith('/*') && type.startsWith(wanted.slice(0, -1)));
    });
  });
  if (isWanted) return;
  const detail = `this route answers in ${offered.join(' or ')}: name it in Accept, or leave Accept out`;
  throw new Problem(406, 'ERR_TUNVS_INVALID_ARGUMENT', detail);
}

function failed(error: unknown, state: AppState): Response {
  const problem = toProblem(error);
  if (problem) return problemResponse(problem);
  const { message, stack } = error instanceof Error ? error : new Error(String(error));
  state.context.log?.error('requestFailed', { stack }, `a request failed in a way that nobody foresaw: ${message}`);
  return problemResponse(
    new Problem(500, 'ERR_TUNVS_SYSTEM', `this is a fault of tunvs, please report it: ${message}`),
  );
}

function problemResponse(problem: Problem): Response {
  return new Response(`${JSON.stringify(problem)}\n`, {
    status: problem.status,
    headers: { 'content-type': PROBLEM_MEDIA, 'cache-control': 'no-store', ...problem.headers },
  });
}
