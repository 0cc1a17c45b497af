/** The control API of a director: requests in, responses out; who may connect, and from where, is the door's. */
import { StatusReader } from '../daemon/status-reader.js';
import { type ControlContext, DEFAULT_LIMITS } from './context.js';
import type { Access } from './door/door.js';
import { Drains } from './resource/drains.js';
import { EventLog } from './resource/event-log.js';
import { openapiDocument } from './router/openapi.js';
import type { AppState } from './router/route.js';
import { router } from './router/router.js';
import { routes } from './routes/index.js';
import { Streams } from './router/streams.js';
import { Versions } from './resource/versions.js';

export interface ControlApp {
  /** Answers a request of a caller with this access. It does not throw. */
  fetch(request: Request, access: Access): Promise<Response>;
  /** Ends all streams and listens to the director no longer. It happens by itself when the director is closed. */
  close(): void;
}

export function controlApp(context: ControlContext): ControlApp {
  const limits = { ...DEFAULT_LIMITS, ...context.limits };
  const { director } = context;
  let document: object | undefined;
  const state: AppState = {
    ...{ context, limits },
    versions: new Versions(director),
    drains: new Drains(context.log),
    events: new EventLog(director, context.health),
    streams: new Streams(limits),
    status: new StatusReader(director, {
      ...{ name: context.name, version: context.version ?? 'unknown' },
      ...(context.health && { health: context.health }),
      ...(context.fleet && { fleet: context.fleet }),
    }),
    openapi() {
      document ??= openapiDocument(routes, context.version);
      return document;
    },
  };
  const app = router(routes, state);
  const close = () => {
    director.off('close', close);
    state.versions.close();
    state.events.close();
    state.status.close();
  };
  director.once('close', close);
  return {
    fetch: async (request, access) => app.fetch(request, { access }),
    close() {
      close();
      state.streams.close();
    },
  };
}
