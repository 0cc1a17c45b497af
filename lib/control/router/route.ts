/** What a route is: its place, its schemas, and what it does. The router, the OpenAPI document and the docs read it. */
import type { z } from 'zod';
import type { StatusReader } from '../../daemon/status-reader.js';
import type { ControlContext, ControlLimits } from '../context.js';
import type { Access } from '../door/door.js';
import type { Drains } from '../resource/drains.js';
import type { EventLog } from '../resource/event-log.js';
import type { Source, Streams } from './streams.js';
import type { Versions } from '../resource/versions.js';

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete';

/** What the routes of one application share. */
export interface AppState {
  readonly context: ControlContext;
  readonly limits: ControlLimits;
  readonly versions: Versions;
  readonly drains: Drains;
  readonly events: EventLog;
  readonly streams: Streams;
  readonly status: StatusReader;
  openapi(): object;
}

export interface Call<Query = unknown, Body = unknown> extends AppState {
  /** From the path, decoded. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Query;
  readonly body: Body;
  readonly request: Request;
  readonly access: Access;
}

export interface Reply {
  /** 200 by default, and 204 without `body`. */
  status?: number;
  /** JSON. */
  body?: unknown;
  /** Text in place of JSON. */
  text?: Iterable<string>;
  /** Text that is made as it is read; such streams are limited in number. */
  stream?: Source;
  /** Of text and streams. */
  media?: string;
  etag?: string;
  headers?: Readonly<Record<string, string>>;
}

export interface Answer {
  says: string;
  schema?: z.ZodType;
  /** `application/json` by default. */
  media?: string;
}

interface RouteSpec<Query extends z.ZodType = z.ZodType, Body extends z.ZodType = z.ZodType> {
  method: Method;
  /** As OpenAPI writes it: `/v1/services/{service}`. */
  path: string;
  /** The operation's id in OpenAPI. */
  id: string;
  /** Ends without a full stop in OpenAPI's summary; begins with a verb. */
  summary: string;
  /** More sentences for readers. */
  description?: string;
  access: Access;
  query?: Query;
  body?: Body;
  /** The media types that it can answer with; `application/json` by default. */
  media?: readonly string[];
  answers: Readonly<Record<number, Answer>>;
  /** Which problems it may answer with, beside those that every route may. */
  problems?: readonly number[];
  /** Whether it heeds If-Match. */
  isConditional?: boolean;
  run(call: Call<z.output<Query>, z.output<Body>>): Reply | Promise<Reply>;
}

/** A route whose schemas' types are forgotten. */
export type Route = RouteSpec;

export function route<Query extends z.ZodType = z.ZodNever, Body extends z.ZodType = z.ZodNever>(
  spec: RouteSpec<Query, Body>,
): Route {
  return spec as unknown as Route;
}
