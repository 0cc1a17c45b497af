/**
 * Pinned flows: the packets of a health check's own socket go to the real server under test, whatever its state.
 *
 * The check binds its socket, pins the flow, and only then connects: a packet that comes before its pin opens a
 * connection like anybody's.
 */
import type { NativePinReport, NativePinTarget } from '../native/pins.js';
import type { CounterName } from '../stats/counter-names.js';
import { choiceOption, integerOption, refuse } from '../values/options.js';
import { type Protocol, protocolNumber, protocols } from '../values/protocol.js';
import type { DirectorEngine } from './director-engine.js';
import type { ServiceOwner } from './owners.js';
import { RealServer } from './real-server.js';

/** The flow of a check's socket, as its packets leave. @internal */
export interface PinnedFlow {
  protocol: Protocol;
  /** An address of this host. */
  sourceAddress: string;
  /** [1, 65535] */
  sourcePort: number;
  /** The virtual address, of the same family. */
  virtualAddress: string;
  /** [1, 65535] */
  virtualPort: number;
}

/** @internal */
export interface PinOptions {
  /**
   * How long the pin lasts from now on, in milliseconds, [1, 3600000]. No packet prolongs it, so nobody else can.
   */
  ttlMs: number;
  /**
   * The TTL or hop limit with which this host sends the flow's packets, [1, 255]; others of the flow are dropped. Every
   * router lowers it, so 255 is this host's alone; the host sends with 255 if the socket or the VIP's route says so.
   * Without it, the kernel alone keeps out packets that bear the host's address and come from elsewhere.
   */
  hopLimit?: number;
}

/** An ICMP error about a pinned flow. @internal */
export interface PinError {
  type: number;
  code: number;
  /** Who sent it: a router, or the real server in the name of the virtual address. */
  from: string;
  /** It is about a tunnel packet, and so of the way to the real server; otherwise it quotes the flow's own packet. */
  isOfTunnel: boolean;
}

/** What became of the packets of a pinned flow. @internal */
export interface PinReport {
  /** Packets that were forwarded. */
  packets: number;
  /** Bytes of them, without outer headers. */
  bytes: number;
  /** Packets that were not, by the counter that names the reason, such as 'dropNoSource'. */
  kept: Partial<Record<CounterName, number>>;
  /** The last ICMP error; one about the tunnel is not replaced by others. */
  icmp?: PinError;
}

/** A flow that is pinned. @internal */
export class Pin {
  readonly #engine: DirectorEngine;
  readonly #name: number;
  #last: PinReport = { packets: 0, bytes: 0, kept: {} };
  #isReleased = false;

  constructor(engine: DirectorEngine, name: number) {
    this.#engine = engine;
    this.#name = name;
  }

  /** Returns what became of the flow's packets; after the release, what it was then. */
  report(): PinReport {
    if (!this.#isReleased && !this.#engine.isEnded)
      this.#note(this.#engine.call((native) => native.pinReport(this.#name)));
    return this.#last;
  }

  /**
   * Ends the pin. It lasts for one more second, so that what the socket has sent, such as its reset, still arrives. The
   * flow may be pinned anew at once. A second call does no harm, nor does one after the director is closed.
   */
  release(): void {
    if (this.#isReleased) return;
    this.#isReleased = true;
    if (!this.#engine.isEnded) this.#note(this.#engine.call((native) => native.releasePin(this.#name)));
  }

  [Symbol.dispose](): void {
    this.release();
  }

  #note(read: NativePinReport | undefined): void {
    if (read) this.#last = read as NativePinReport & PinReport;
  }
}

/** Pins a flow; see DirectorHandle.pin(). The native part refuses what is wrong with the flow and the options. @internal */
export function pinFlow(
  engine: DirectorEngine,
  owner: ServiceOwner,
  ...[flow, server, options]: [flow: PinnedFlow, server: RealServer, options: PinOptions]
): Pin {
  if (!(server instanceof RealServer) || server.service.configuration !== owner)
    refuse('pin: server', server, 'a real server of this director');
  const { protocol, sourceAddress, sourcePort, virtualAddress, virtualPort } = flow;
  const number = protocolNumber(choiceOption('pin: protocol', protocol, protocols));
  const { ttlMs } = options;
  const hopLimit = options.hopLimit === undefined ? 0 : integerOption('pin: hopLimit', options.hopLimit, 1, 255);
  const target = targetOf(engine, server);
  return new Pin(
    engine,
    engine.call((native) =>
      native.pin(target, number, sourceAddress, sourcePort, virtualAddress, virtualPort, ttlMs, hopLimit),
    ),
  );
}

const targets = new WeakMap<RealServer, NativePinTarget>();

function targetOf(engine: DirectorEngine, server: RealServer): NativePinTarget {
  const known = targets.get(server);
  if (known !== undefined) return known;
  const { service, address, port } = server;
  const made = engine.call((native) => native.pinTarget(service.nativeKey, { address, port }));
  targets.set(server, made);
  return made;
}
