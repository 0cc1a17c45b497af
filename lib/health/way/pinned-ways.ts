/** Makes the ways to the real servers of one director, and holds what its host needs for them. */
import type { OwnClientsHold } from '../../director/own-clients.js';
import type { Pin, PinnedFlow, PinOptions } from '../../director/pin.js';
import type { RealServer } from '../../director/virtual-service.js';
import { familyOf } from '../../host/family.js';
import { type Host, thisHost } from '../../host/host.js';
import { TunvsError } from '../../values/errors.js';
import type { MarkRule } from '../../values/marks.js';
import { CheckFailure } from '../checks/check.js';
import { connectDatagrams } from './connect-datagrams.js';
import { connectSocket } from './connect-socket.js';
import { HostFacts, readNetstat } from './host-facts.js';
import { knock } from './knock.js';
import { PinnedWay } from './pinned-way.js';
import { SourceAddresses } from './source-address.js';
import { type PortRange, SourcePorts } from './source-ports.js';
import type { Subject } from './subject.js';
import { checkTarget, ownPort, type TargetOptions } from './target.js';

/** What is needed of a director; see DirectorHandle. */
export interface PinningDirector {
  readonly sources: readonly string[];
  readonly device: { readonly name: string } | undefined;
  readonly markDevices: readonly { readonly name: string }[];
  readonly marks: readonly MarkRule[];
  pin(flow: PinnedFlow, server: RealServer, options: PinOptions): Pick<Pin, 'report' | 'release'>;
  holdOwnClients(virtualAddresses: readonly string[]): OwnClientsHold;
}

export interface PinnedWaysOptions {
  /** The source ports of checks. The default is 61000-65534. */
  sourcePorts?: PortRange;
  /** How long a pin lasts that nobody releases, in milliseconds, [1, 3600000]. The default is 60000. */
  ttlMs?: number;
  /** Tests have their own. */
  host?: Host;
  readNetstat?: () => string | undefined;
  nowMs?: () => number;
}

export class PinnedWays implements Disposable {
  readonly facts: HostFacts;
  readonly #director: PinningDirector;
  readonly #ports: SourcePorts;
  readonly #sources: SourceAddresses;
  readonly #ttlMs: number;
  /** By what the host directs to the device: a virtual address, or a range. */
  readonly #holds = new Map<string, OwnClientsHold>();
  /** The servers that did not answer the last time: only of those it is worth a socket to hear who does. */
  readonly #silent = new WeakSet<RealServer>();
  #isClosed = false;

  constructor(director: PinningDirector, options: PinnedWaysOptions = {}) {
    const { host = thisHost, nowMs = () => performance.now() } = options;
    this.#director = director;
    this.#ports = new SourcePorts(options.sourcePorts);
    this.#ttlMs = options.ttlMs ?? 60_000;
    this.#sources = new SourceAddresses(host, director.sources, nowMs);
    this.facts = new HostFacts({
      ...{ host, nowMs, readNetstat: options.readNetstat ?? readNetstat },
      devices: () => [director.device, ...director.markDevices].flatMap((device) => device?.name ?? []),
    });
  }

  /**
   * Says what keeps checks by the virtual addresses of these servers from passing, one sentence each. Ask it after
   * {@link prepare}: where the director sets up its host, that has made rp_filter loose.
   */
  warnings(servers: Iterable<RealServer>): string[] {
    const hasIpv4 = [...servers].some(({ service }) => familyOf(service.address) === 4);
    return hasIpv4 ? this.facts.strictAt(this.#director.sources) : [];
  }

  /** Makes the way of one run of a check. Throws a CheckFailure when there is none. */
  way(server: RealServer, options: TargetOptions = {}): PinnedWay {
    if (this.#isClosed) throw new CheckFailure('failed', 'the checks have ended', { isOwnFault: true });
    const target = checkTarget(server, this.#director.marks, options);
    const hopLimit = this.#hold(target.prefix).hopLimit;
    return new PinnedWay(target, {
      ports: this.#ports,
      pin: (flow, pinOptions) => this.#director.pin(flow, server, pinOptions),
      source: () => this.#sources.towards(target.address),
      sourceGone: () => this.#sources.forget(),
      hearsStrangers: this.#silent.has(server),
      ended: ({ flows, isAnswered }) => {
        if (flows > 0 && !isAnswered) this.#silent.add(server);
        else this.#silent.delete(server);
      },
      options: { ttlMs: this.#ttlMs, ...(hopLimit > 0 && { hopLimit }) },
      connectSocket,
      knock,
      connectDatagrams,
    });
  }

  /** Says of a server what a diagnosis needs. */
  subject(server: RealServer, way: { readonly address: string }): Subject {
    const { address, forwarding, tunnelPort } = server;
    const { sources: directors } = this.#director;
    const serverPort = ownPort(server);
    return { address, forwarding, tunnelPort, serverPort, virtualAddress: way.address, directors };
  }

  /**
   * Prepares the host for checks of these servers at once, and gives back what it held for others. A way to any other
   * server is prepared when it is made.
   */
  prepare(servers: Iterable<RealServer>, optionsOf: (server: RealServer) => TargetOptions = () => ({})): void {
    const wanted = new Set<string>();
    for (const server of servers) {
      try {
        wanted.add(checkTarget(server, this.#director.marks, optionsOf(server)).prefix);
      } catch (error) {
        // way() says it of this server, whenever it is checked.
        if (!(error instanceof CheckFailure)) throw error;
      }
    }
    for (const [prefix, hold] of this.#holds) {
      if (wanted.has(prefix)) continue;
      this.#holds.delete(prefix);
      hold.release();
    }
    const missing = [...wanted].filter((prefix) => !this.#holds.has(prefix));
    if (missing.length === 0) return;
    const all = this.#director.holdOwnClients(missing);
    // They are held together, and each is given back by itself.
    for (const prefix of missing) this.#holds.set(prefix, this.#director.holdOwnClients([prefix]));
    all.release();
  }

  /** Gives back what the host was given. Ways that are under way end with their checks. Calling it twice is fine. */
  [Symbol.dispose](): void {
    this.#isClosed = true;
    for (const hold of this.#holds.values()) hold.release();
    this.#holds.clear();
  }

  #hold(prefix: string): OwnClientsHold {
    const known = this.#holds.get(prefix);
    if (known !== undefined) return known;
    try {
      const hold = this.#director.holdOwnClients([prefix]);
      this.#holds.set(prefix, hold);
      return hold;
    } catch (error) {
      if (!(error instanceof TunvsError)) throw error;
      const message = `the director's host cannot be made a client of ${prefix}: ${error.message}`;
      throw new CheckFailure('failed', message, { cause: error, isOwnFault: true });
    }
  }
}
