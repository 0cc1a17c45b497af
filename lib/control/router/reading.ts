/** Reads what a client sent: the body within its limit, and body and query by their schemas. */
import type { z } from 'zod';
import { type Mistake, Problem } from '../problem.js';

const JSON_MEDIA = /^application\/(json|merge-patch\+json)\s*(;|$)/i;

/** Returns the JSON of a body; throws problems 400, 413 and 415. */
export async function readJson(request: Request, limit: number): Promise<unknown> {
  const text = await readText(request, limit);
  if (text === '') return undefined;
  const media = request.headers.get('content-type');
  if (media !== null && !JSON_MEDIA.test(media))
    throw new Problem(
      415,
      'ERR_TUNVS_INVALID_ARGUMENT',
      `the body is of type "${media.slice(0, 80)}": send Content-Type: application/json`,
      { headers: { 'accept-patch': 'application/json, application/merge-patch+json' } },
    );
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Problem(
      400,
      'ERR_TUNVS_INVALID_ARGUMENT',
      `the body is no JSON: ${(error as Error).message.slice(0, 200)}`,
    );
  }
}

async function readText(request: Request, limit: number): Promise<string> {
  const tooLong = () =>
    new Problem(413, 'ERR_TUNVS_LIMIT', `the body is longer than ${limit} bytes: send it in several requests`);
  if (Number(request.headers.get('content-length') ?? 0) > limit) throw tooLong();
  if (request.body === null) return '';
  const parts: Uint8Array[] = [];
  let bytes = 0;
  const reader = request.body.getReader();
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      bytes += value.byteLength;
      if (bytes > limit) {
        // What else comes is nobody's business.
        void reader.cancel().catch(() => {});
        throw tooLong();
      }
      parts.push(value);
    }
  } catch (error) {
    if (error instanceof Problem) throw error;
    throw new Problem(400, 'ERR_TUNVS_INVALID_ARGUMENT', 'the body ended too early: send all of it');
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(parts));
  } catch {
    // TextDecoder throws for nothing else.
    throw new Problem(400, 'ERR_TUNVS_INVALID_ARGUMENT', 'the body is not UTF-8: send JSON in UTF-8');
  }
}

export function checkedBody(schema: z.ZodType, body: unknown): unknown {
  if (body === undefined && !schema.safeParse(undefined).success)
    throw new Problem(400, 'ERR_TUNVS_INVALID_ARGUMENT', 'the request has no body: send JSON');
  const { success, data, error } = schema.safeParse(body);
  if (success) return data;
  const errors = mistakesOf(error, pointerOf);
  throw new Problem(422, 'ERR_TUNVS_INVALID_ARGUMENT', sentence('body', errors), { errors });
}

export function checkedQuery(schema: z.ZodType | undefined, params: URLSearchParams): unknown {
  const given: Record<string, string> = Object.create(null);
  const twice: Mistake[] = [];
  for (const [name, value] of params) {
    if (Object.hasOwn(given, name)) twice.push({ pointer: `?${name}`, detail: 'it is given twice: give it once' });
    given[name] = value;
  }
  if (twice.length > 0)
    throw new Problem(400, 'ERR_TUNVS_INVALID_ARGUMENT', sentence('query', twice), { errors: twice });
  if (schema === undefined) {
    const errors = Object.keys(given).map((name) => ({ pointer: `?${name}`, detail: 'this route takes no query' }));
    if (errors.length === 0) return {};
    throw new Problem(400, 'ERR_TUNVS_INVALID_ARGUMENT', sentence('query', errors), { errors });
  }
  const { success, data, error } = schema.safeParse({ ...given });
  if (success) return data;
  const errors = mistakesOf(error, (path) => `?${path.map(String).join('.')}`);
  throw new Problem(400, 'ERR_TUNVS_INVALID_ARGUMENT', sentence('query', errors), { errors });
}

const MOST_NAMED = 50;

function mistakesOf(error: z.ZodError, place: (path: readonly PropertyKey[]) => string): Mistake[] {
  const mistakes = error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [{ path: issue.path, detail: issue.message }];
    return issue.keys.map((key) => ({ path: [...issue.path, key], detail: 'there is no option of this name' }));
  });
  return mistakes.slice(0, MOST_NAMED).map(({ path, detail }) => ({
    pointer: place(path).slice(0, 500),
    detail: detail.slice(0, 500),
  }));
}

/** RFC 6901, as the fragment of a URI. */
export function pointerOf(path: readonly PropertyKey[]): string {
  const parts = path.map((part) => String(part).replaceAll('~', '~0').replaceAll('/', '~1'));
  return `#${parts.map((part) => `/${encodePart(part)}`).join('')}`;
}

/** A lone surrogate cannot be encoded; Buffer puts U+FFFD in its place. */
function encodePart(part: string): string {
  return encodeURIComponent(Buffer.from(part).toString());
}

function sentence(what: 'body' | 'query', errors: readonly Mistake[]): string {
  const [first] = errors;
  const more = errors.length > 1 ? ` (and ${errors.length - 1} more mistakes)` : '';
  return `the ${what} is refused: ${first?.pointer}: ${first?.detail}${more}`;
}
