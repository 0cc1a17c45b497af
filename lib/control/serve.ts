/** Puts a director behind a door: the application that answers, and where it listens. */
import { join } from 'node:path';
import type { Attachment } from '../daemon/daemon.js';
import { DAEMON_NAME_FORM, DEFAULT_NAME, isDaemonName } from '../daemon/daemon-name.js';
import type { Director } from '../director/director.js';
import { runtimeFolder } from '../host/holds/folder.js';
import { keepEstimates } from '../rules/keep-estimates.js';
import { RulesSession } from '../rules/session.js';
import { TunvsError } from '../values/errors.js';
import { refuse } from '../values/options.js';
import type { Access, Door, DoorLog, HttpPlace } from './door/door.js';
import type { DoorLimits } from './door/limits.js';
import { openDoor } from './door/open-door.js';

/**
 * Where a director can be looked at and changed.
 *
 * @example
 * ```ts
 * import type { ControlOptions } from 'tunvs/control';
 *
 * const tokens = { read: { file: '/etc/tunvs/read.token' } };
 * const options: ControlOptions = { name: 'web', http: { host: '127.0.0.1', port: 9480, tokens } };
 * console.log(options.name); // web
 * ```
 */
export interface ControlOptions {
  /** The director's name among those of this host, which its socket has too: `tunvs` by default. */
  name?: string;
  /**
   * The unix socket: by default `/run/tunvs/NAME.sock`, for root and this process's user alone. With `group`, its members
   * may use it too. `false`: there is none.
   */
  socket?:
    | false
    | {
        /** Its path. */
        path?: string;
        /** The name or number of the group whose members may use it. */
        group?: string | number;
      };
  /** A TCP port, with tokens. By default there is none. */
  http?: HttpPlace;
  /** What clients may cost. */
  limits?: DoorLimits;
  /** Where the server says what happened to it. By default it says nothing. */
  log?: DoorLog;
}

/** What each application needs of the director; more may be given to it. */
export interface AppContext {
  director: Director;
  session: RulesSession;
  name: string;
  log?: DoorLog;
}

/** Answers requests; the door has found out who asks. */
export interface App {
  fetch(request: Request, access: Access): Response | Promise<Response>;
  /** Ends what it does for clients that are still there. */
  close?(): void;
}

/** Opens the door to an application. It is closed when the director closes. */
export async function serveApp(
  director: Director,
  makeApp: (context: AppContext) => App,
  options: ControlOptions = {},
  session?: RulesSession,
): Promise<Door> {
  const { name = DEFAULT_NAME, socket = {}, http, limits, log } = options;
  if (typeof name !== 'string' || !isDaemonName(name)) refuse('name', name, DAEMON_NAME_FORM);
  if (socket === false && http === undefined)
    throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', 'a control server needs a place: give socket, http, or both');
  director.stats(); // throws where the director is closed
  const own = session === undefined ? estimating(director) : { session, end: () => {} };
  let isClosed = false;
  let door: Door | undefined;
  let app: App | undefined;
  const close = async () => {
    director.off('close', onClose);
    own.end();
    app?.close?.();
    await door?.close();
  };
  const onClose = () => {
    isClosed = true;
    void close();
  };
  director.once('close', onClose);
  try {
    const made = makeApp({ director, session: own.session, name, ...(log && { log }) });
    app = made;
    door = await openDoor({
      fetch: (request, access) => made.fetch(request, access),
      name,
      ...(socket !== false && { socket: { ...socket, path: socket.path ?? join(runtimeFolder(), `${name}.sock`) } }),
      ...(http && { http }),
      ...(limits && { limits }),
      ...(log && { log }),
    });
    if (isClosed) throw new TunvsError('ERR_TUNVS_CLOSED', 'the director was closed meanwhile: open another');
    return { ...door, close, [Symbol.asyncDispose]: close };
  } catch (error) {
    await close();
    throw error;
  }
}

function estimating(director: Director): { session: RulesSession; end: () => void } {
  const session = new RulesSession(director);
  return { session, end: keepEstimates(session) };
}

/**
 * Does the same for a daemon's director: the door opens when the configuration is in force, and `opened` is told where.
 */
export function appAttachment(
  makeApp: (context: AppContext) => App,
  options: ControlOptions = {},
  opened: (addresses: Door['addresses']) => void = () => {},
): Attachment {
  return ({ director, session }) => {
    let door: Promise<Door> | undefined;
    let closed: Promise<void> | undefined;
    return {
      listen: async () => {
        door = serveApp(director, makeApp, options, session);
        opened((await door).addresses);
      },
      detach: () => {
        closed = door?.then(
          (open) => open.close(),
          () => {}, // listen() has told
        );
      },
      end: () => closed,
    };
  };
}
