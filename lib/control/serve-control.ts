/** Gives a director the doors that the daemon has: the control API, with ipvsadm's language and metrics. */
import type { Attachment } from '../daemon/daemon.js';
import type { Director } from '../director/director.js';
import type { Membership } from '../fleet/membership.js';
import { HealthSlot, type HealthView } from '../health/view.js';
import { metricsText } from '../metrics/text.js';
import { executeAdm, isListing } from '../rules/adm/execute.js';
import { packageVersion } from '../values/package-version.js';
import { controlApp } from './app.js';
import type { ReloadReport } from './context.js';
import type { Door } from './door/door.js';
import { type App, type AppContext, appAttachment, type ControlOptions, serveApp } from './serve.js';

/**
 * What {@link serveControl} takes.
 *
 * @example
 * ```ts
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { Director } from 'tunvs';
 * import { type ServeControlOptions, serveControl } from 'tunvs/control';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const options: ServeControlOptions = { socket: { path: join(tmpdir(), `web-${process.pid}.sock`) } };
 * const door = await serveControl(director, options);
 * await door.close();
 * await director.close();
 * ```
 */
export interface ServeControlOptions extends ControlOptions {
  /** Reads the configuration again for `POST /v1/reload`; without it there is none to read. */
  reload?: (options: { dryRun: boolean; reset: boolean }) => Promise<ReloadReport>;
  /** Returns what is in force, with its origin, for `GET /v1/config`. */
  spec?: () => unknown;
  /** The monitor that checks real servers, for what is shown of their health. By default nothing is. */
  health?: HealthView | HealthSlot;
  /** Says whether `/metrics` has the counters of each real server. The default is true. */
  serverMetrics?: boolean;
  /** How the director stands to its fleet; `tunvs run` has one. @internal */
  fleet?: Membership;
}

/**
 * Serves the control API of a director, as `tunvs run` does: on a unix socket, and on TCP when asked for. It ends with
 * the director.
 *
 * @throws {@link TunvsError} ERR_TUNVS_BUSY when the socket or the port is in use, ERR_TUNVS_PERMISSION when they may not
 *   be made, ERR_TUNVS_INVALID_ARGUMENT.
 * @example
 * ```ts
 * import { tmpdir } from 'node:os';
 * import { join } from 'node:path';
 * import { Director } from 'tunvs';
 * import { createClient, serveControl } from 'tunvs/control';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const path = join(tmpdir(), `tunvs-${process.pid}.sock`);
 * const door = await serveControl(director, { socket: { path } });
 * const client = createClient({ socket: path });
 * await client.services.add({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * console.log(director.virtualServices.length); // 1
 * await door.close();
 * await director.close();
 * ```
 */
export function serveControl(director: Director, options: ServeControlOptions = {}): Promise<Door> {
  return serveApp(director, appOf(options), options);
}

/** Does the same for the director of a daemon, which is ready when this listens. */
export function controlAttachment(
  options: ServeControlOptions = {},
  opened?: (addresses: Door['addresses']) => void,
): Attachment {
  return appAttachment(appOf(options), options, opened);
}

function appOf({ reload, spec, health, fleet, serverMetrics = true }: ServeControlOptions) {
  const slot = health === undefined || health instanceof HealthSlot ? health : new HealthSlot(health);
  return (context: AppContext): App => {
    const { director } = context;
    return controlApp({
      ...context,
      version: packageVersion(),
      execute: executeAdm,
      isListing,
      metrics: ({ servers, format }) =>
        metricsText(director, {
          ...{ servers: servers && serverMetrics, format },
          ...(slot?.monitor && { health: slot.monitor }),
          ...(fleet && { fleet }),
        }),
      ...(slot && { health: slot }),
      ...(fleet && { fleet }),
      ...(reload && { reload }),
      ...(spec && { spec }),
    });
  };
}
