/**
 * Pinned flows: the packets of a health check's own socket go to the real server under test, whatever its state.
 *
 * The check binds its socket, pins the flow, and only then connects: a packet that comes before its pin opens a
 * connection like anybody's.
 */
import type { NativePin, NativePinReport } from '../native/pins.js';
import type { CounterName } from '../stats/counter-names.js';
import { addressFamily } from '../values/inet.js';
import { addressOption, checkedOptions, choiceOption, integerOption, refuse } from '../values/options.js';
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
    if (!this.#isReleased && !this.#engine.isEnded) {
      const read = this.#engine.call((native) => native.pinReport(this.#name));
      if (read) this.#last = read as NativePinReport & PinReport;
    }
    return this.#last;
  }

  /**
   * Ends the pin. It lasts for one more second, so that what the socket has sent, such as its reset, still arrives. The
   * flow may be pinned anew at once. A second call does no harm, nor does one after the director is closed.
   */
  release(): void {
    if (this.#isReleased) return;
    this.report();
    this.#isReleased = true;
    if (!this.#engine.isEnded) this.#engine.call((native) => native.releasePin(this.#name));
  }

  [Symbol.dispose](): void {
    this.release();
  }
}

/** Pins a flow; see DirectorHandle.pin(). @internal */
export function pinFlow(
  engine: DirectorEngine,
  owner: ServiceOwner,
  ...[flow, server, options]: [flow: PinnedFlow, server: RealServer, options: PinOptions]
): Pin {
  if (!(server instanceof RealServer) || server.service.configuration !== owner)
    refuse('pin: server', server, 'a real server of this director');
  const { service } = server;
  const key = { service: service.nativeKey, server: { address: server.address, port: server.port } };
  const made: NativePin = { ...checkedFlow(flow), ...key, ...checkedPinOptions(options) };
  return new Pin(
    engine,
    engine.call((native) => native.pin(made)),
  );
}

function checkedFlow(given: PinnedFlow): Pick<NativePin, keyof PinnedFlow> {
  const names = ['protocol', 'sourceAddress', 'sourcePort', 'virtualAddress', 'virtualPort'] as const;
  const flow = checkedOptions('pin', given, names);
  const sourceAddress = addressOption('pin: sourceAddress', flow.sourceAddress);
  const virtualAddress = addressOption('pin: virtualAddress', flow.virtualAddress);
  const family = addressFamily(sourceAddress);
  if (addressFamily(virtualAddress) !== family)
    refuse('pin: virtualAddress', virtualAddress, `an address of the source's family, IPv${family}`);
  return {
    protocol: protocolNumber(choiceOption('pin: protocol', flow.protocol, protocols)),
    ...{ sourceAddress, virtualAddress },
    sourcePort: integerOption('pin: sourcePort', flow.sourcePort, 1, 65535),
    virtualPort: integerOption('pin: virtualPort', flow.virtualPort, 1, 65535),
  };
}

const MAX_TTL_MS = 3_600_000;

function checkedPinOptions(given: PinOptions): Pick<NativePin, 'ttlMs' | 'hopLimit'> {
  const { ttlMs, hopLimit } = checkedOptions('pin', given, ['ttlMs', 'hopLimit']);
  return {
    ttlMs: integerOption('pin: ttlMs', ttlMs, 1, MAX_TTL_MS),
    hopLimit: hopLimit === undefined ? 0 : integerOption('pin: hopLimit', hopLimit, 1, 255),
  };
}
