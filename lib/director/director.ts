/** The director with a device, the one without, and how each is made. */
import { DirectorHandle } from './director-handle.js';
import type { DirectorOpenOptions, OfflineOptions } from './director-options.js';
import type { DirectorParts } from './director-parts.js';
import { channels } from './events.js';
import type { ProcessResult } from './offline-director.js';
import { offlineParts, type OfflineRun } from './offline-run.js';
import { openDirector } from './open.js';

/**
 * A director: virtual services, and an engine that forwards their packets to real servers.
 *
 * The packets are worked on by native threads, so a busy event loop does not hold them up. An open director does not
 * keep the process alive; `watch()` and `drain()` do while they are waited for.
 *
 * Every error is a {@link TunvsError}. After close() every call throws ERR_TUNVS_CLOSED, but for close() itself.
 */
export class Director extends DirectorHandle {
  /**
   * Opens the devices, starts a worker thread per queue and sets up the host. When something fails, all of it is undone.
   *
   * Needs CAP_NET_ADMIN, and CAP_NET_RAW for the egresses 'packet' and 'raw'.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT, ERR_TUNVS_PERMISSION, ERR_TUNVS_NO_DEVICE, ERR_TUNVS_BUSY
   *   when another process holds the device, ERR_TUNVS_UNSUPPORTED, ERR_TUNVS_HOST when setting up the host failed,
   *   ERR_TUNVS_SYSTEM; the signal's reason.
   */
  static async open(options: DirectorOpenOptions): Promise<Director> {
    return openDirector(options, (parts) => {
      const director = new Director(parts);
      channels.open.publish({ director });
      for (const message of director.warnings) channels.warning.publish({ director, message, about: 'host' });
      return director;
    });
  }

  /**
   * A director without a device: `process()` takes packets and returns what would be sent, by the very engine that a
   * device has. Needs no privilege.
   *
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT.
   */
  static offline(options: OfflineOptions): OfflineDirector {
    return OfflineDirector.create(options);
  }
}

/**
 * A director without a device; made by {@link Director.offline}.
 *
 * Time is what `process()` and `advance()` say: it begins at 0 ms and never goes back. `drain()` looks at its server
 * whenever time has been moved.
 */
export class OfflineDirector extends Director {
  readonly #run: OfflineRun;

  private constructor(parts: DirectorParts, run: OfflineRun) {
    super(parts);
    this.#run = run;
  }

  /** @internal */
  static create(options: OfflineOptions): OfflineDirector {
    const { parts, run } = offlineParts(options);
    const director = new OfflineDirector(parts, run);
    channels.open.publish({ director });
    return director;
  }

  /**
   * Takes packets (from their IP header on) as if they were read from the device at these times.
   *
   * @param atMs - one time for all of them, or one for each; not before what `process()` and `advance()` reached.
   */
  process(packets: Uint8Array | readonly Uint8Array[], atMs: number | Float64Array): ProcessResult {
    return this.#run.process(packets, atMs);
  }

  /** Lets time pass without packets, so that connections expire. */
  advance(atMs: number): void {
    this.#run.advance(atMs);
  }
}
