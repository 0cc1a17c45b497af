/** The director with a device, the one without, and how each is made. */
import { DirectorHandle } from './director-handle.js';
import type { DirectorParts } from './director-parts.js';
import { channels } from './events.js';
import type { ProcessResult } from './offline-director.js';
import { offlineParts, type OfflineRun } from './offline-run.js';
import { openDirector } from './open.js';
import type { DirectorOpenOptions, OfflineOptions } from './open-options.js';

/**
 * A director holds virtual services and an engine that forwards their packets to real servers.
 *
 * Native threads do the work on packets, so a busy event loop does not hold them up. An open director does not keep the
 * process alive; {@link Director.watch} and {@link RealServer.drain} keep it alive while somebody waits for them.
 *
 * A director is an `EventEmitter` of {@link DirectorEvents}. Every error that it throws is a {@link TunvsError}. After
 * {@link Director.close} every call except close() itself throws ERR_TUNVS_CLOSED.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 *
 * const director = await Director.open({ source: '10.2.0.2' });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wrr' });
 * service.addRealServer({ address: '10.3.0.11', weight: 2 });
 * service.addRealServer({ address: '10.3.0.12', weight: 1 });
 * console.log(director.device?.name); // tunvs0
 * await director.close();
 * ```
 */
export class Director extends DirectorHandle {
  /**
   * Opens the devices, starts a worker thread for each queue and sets up the host. When something fails, open() undoes
   * all that it has done. The process needs CAP_NET_ADMIN, and CAP_NET_RAW for the egresses 'packet' and 'raw'.
   *
   * @param options - Only `source` is required.
   * @returns The open director; {@link Director.warnings} says what was found odd on the host.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused, ERR_TUNVS_PERMISSION when a
   *   privilege is missing, ERR_TUNVS_NO_DEVICE when /dev/net/tun does not exist, ERR_TUNVS_BUSY when the device is in
   *   use, ERR_TUNVS_UNSUPPORTED when the kernel lacks a feature, ERR_TUNVS_HOST when setting up the host failed, and
   *   ERR_TUNVS_SYSTEM when a system call failed in another way. An aborted signal throws its reason.
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
   * Makes a director without a device. It runs the same engine as one with a device: `process()` takes packets and
   * returns what would be sent. It needs no privilege.
   *
   * @param options - Only `source` is required.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused.
   */
  static offline(options: OfflineOptions): OfflineDirector {
    return OfflineDirector.create(options);
  }
}

/**
 * An offline director has no device: the caller hands it packets and the time. {@link Director.offline} makes it. It
 * does whatever else a {@link Director} does.
 *
 * Its clock begins at 0 ms, goes where `process()` and `advance()` set it, and never goes back.
 * {@link RealServer.drain} looks at its server whenever the clock has moved. An `event`, such as the failure of a policy,
 * comes when the code that called process() waits for something, not before process() returns.
 *
 * With the default `maxConnections` a director takes about 120 MiB, and some 50 ms to make; 1024 is enough for a test.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
 * const service = director.addVirtualService({ protocol: 'udp', address: '192.0.2.1', port: 53 });
 * service.addRealServer({ address: '10.3.0.11' });
 *
 * // A UDP datagram without data, from 198.51.100.7:40000 to 192.0.2.1:53.
 * const packet = Buffer.from('4500001c0000400040114e95c6336407c00002019c40003500080000', 'hex');
 * const { verdicts, outputs } = director.process(packet, 0);
 * console.log(verdicts[0], outputs[0]?.data.length); // forwarded 48
 *
 * director.advance(600_000);
 * console.log(director.stats().table.ipv4); // 0
 * await director.close();
 * ```
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
   * Takes packets as if a device had read them at these times, and returns what would be sent.
   *
   * @param packets - One packet or several. Each begins with its IP header.
   * @param atMs - Milliseconds on the director's clock: one time for all packets, or one for each. No time may lie
   *   before the one that the clock has reached.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when a packet is no Uint8Array or a time goes back.
   */
  process(packets: Uint8Array | readonly Uint8Array[], atMs: number | Float64Array): ProcessResult {
    return this.#run.process(packets, atMs);
  }

  /**
   * Lets time pass without packets, so that connections expire.
   *
   * @param atMs - The clock's new time in milliseconds; it may not lie before the one that the clock has reached.
   * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when the time goes back.
   */
  advance(atMs: number): void {
    this.#run.advance(atMs);
  }
}
