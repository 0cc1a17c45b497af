/**
 * The way of a real server's clients: plain sockets connect to the virtual address, and the director leads their
 * packets to the server under test, because their flows are pinned to it.
 *
 * Invariants: a pin and its source port are given back in every ending of the socket, and before that nobody else gets
 * the port; what a way has opened is closed with it.
 */
import type { Socket } from 'node:net';
import type { Pin, PinnedFlow, PinOptions } from '../../director/pin.js';
import { familyOf } from '../../host/family.js';
import { TunvsError } from '../../values/errors.js';
import { CheckFailure, type Datagrams, type Way } from '../checks/check.js';
import { closeNow } from '../checks/conversation.js';
import type { connectDatagrams } from './connect-datagrams.js';
import type { connectSocket } from './connect-socket.js';
import { addReport, noEvidence, type WayEvidence } from './evidence.js';
import type { knock } from './knock.js';
import type { SourcePorts } from './source-ports.js';
import { hearStrangers } from './strange-answers.js';
import { type CheckTarget, portOf } from './target.js';

/** How many ports are tried when others have them. */
const MOST_PORTS = 16;

export type PinReportOnly = Pick<Pin, 'report' | 'release'>;

export interface PinnedWayBacking {
  readonly ports: SourcePorts;
  /** Pins a flow to the server. */
  pin(flow: PinnedFlow, options: PinOptions): PinReportOnly;
  /** Returns undefined when the host has no address of the family. */
  source(): string | undefined;
  /** The source is none of the host's any more. */
  sourceGone(): void;
  readonly options: PinOptions;
  /** Whether to hear who else answers a datagram; it takes a second socket. */
  readonly hearsStrangers?: boolean;
  /** Is told what is known in the end. */
  readonly ended?: (evidence: Readonly<WayEvidence>) => void;
  /** Connects a TCP socket, and a UDP socket; tests have their own. */
  readonly connectSocket: typeof connectSocket;
  readonly knock: typeof knock;
  readonly connectDatagrams: typeof connectDatagrams;
}

/** The way of one run of a check. */
export class PinnedWay implements Way, Disposable {
  readonly name = 'vip';
  readonly address: string;
  readonly port: number;
  readonly #backing: PinnedWayBacking;
  readonly #target: CheckTarget;
  readonly #evidence: WayEvidence = noEvidence();
  /** The flows that are pinned, and how each ends at once. */
  readonly #flows = new Map<PinReportOnly, () => void>();

  constructor(target: CheckTarget, backing: PinnedWayBacking) {
    this.address = target.address;
    this.port = target.port;
    this.#target = target;
    this.#backing = backing;
  }

  async connect(signal: AbortSignal, options: { port?: number } = {}): Promise<Socket> {
    const { address: host } = this;
    const port = portOf(this.#target, options.port);
    return this.#withFlow('tcp', port, signal, async (ends, end) => {
      const socket = await this.#backing.connectSocket({ host, port, ...ends }, signal);
      this.#evidence.isAnswered = true;
      socket.once('close', end);
      return { opened: socket, close: () => closeNow(socket) };
    });
  }

  async knock(signal: AbortSignal, options: { port?: number } = {}): Promise<void> {
    const { address: host } = this;
    const port = portOf(this.#target, options.port);
    return this.#withFlow('tcp', port, signal, async (ends, end) => {
      await this.#backing.knock({ host, port, ...ends }, signal);
      this.#evidence.isAnswered = true;
      end();
      return { opened: undefined, close: end };
    });
  }

  async datagrams(signal: AbortSignal, options: { port?: number } = {}): Promise<Datagrams> {
    const { address } = this;
    const port = portOf(this.#target, options.port);
    return this.#withFlow('udp', port, signal, async (ends, end) => {
      const strangers = this.#backing.hearsStrangers ? await hearStrangers({ ...ends, port }) : undefined;
      let socket: Datagrams;
      try {
        const isShared = strangers !== undefined;
        socket = await this.#backing.connectDatagrams({ address, port, ...ends, isShared }, signal);
      } catch (error) {
        strangers?.[Symbol.dispose]();
        throw error;
      }
      const close = () => {
        socket[Symbol.dispose]();
        const from = strangers?.from;
        if (from !== undefined) this.#evidence.wrongSource ??= from;
        strangers?.[Symbol.dispose]();
        end();
      };
      return { opened: this.#noting(socket, close), close };
    });
  }

  /** Notes that an answer has come. */
  #noting(socket: Datagrams, close: () => void): Datagrams {
    return {
      send: (payload) => socket.send(payload),
      receive: async (until) => {
        const answer = await socket.receive(until);
        this.#evidence.isAnswered = true;
        return answer;
      },
      [Symbol.dispose]: close,
    };
  }

  /** Returns what became of the packets so far. */
  evidence(): WayEvidence {
    const evidence = { ...this.#evidence, kept: { ...this.#evidence.kept } };
    for (const pin of this.#flows.keys()) addReport(evidence, pin.report());
    return evidence;
  }

  /** Closes what is still open. Calling it twice is fine. */
  [Symbol.dispose](): void {
    for (const close of [...this.#flows.values()]) close();
    this.#backing.ended?.(this.#evidence);
  }

  /** Opens a socket whose flow is pinned before it sends; `end` gives back the pin and the port. */
  async #withFlow<T>(
    protocol: 'tcp' | 'udp',
    virtualPort: number,
    signal: AbortSignal,
    open: (
      ends: { localAddress: string; localPort: number },
      end: () => void,
    ) => Promise<{ opened: T; close: () => void }>,
  ): Promise<T> {
    signal.throwIfAborted();
    for (let attempt = 1; ; attempt++) {
      const sourceAddress = this.#source();
      const sourcePort = this.#port();
      const flow = { protocol, sourceAddress, sourcePort, virtualAddress: this.address, virtualPort };
      let end = () => this.#backing.ports.giveBack(sourcePort);
      try {
        const pin = this.#backing.pin(flow, this.#backing.options);
        end = this.#begin(pin, sourcePort);
        const { opened, close } = await open({ localAddress: sourceAddress, localPort: sourcePort }, end);
        if (this.#flows.has(pin)) this.#flows.set(pin, close);
        return opened;
      } catch (error) {
        end();
        if (attempt < MOST_PORTS && isTaken(error)) continue;
        throw this.#failure(error);
      }
    }
  }

  #begin(pin: PinReportOnly, port: number): () => void {
    this.#evidence.flows += 1;
    this.#flows.set(pin, () => {});
    return () => {
      if (!this.#flows.delete(pin)) return;
      pin.release();
      addReport(this.#evidence, pin.report());
      this.#backing.ports.giveBack(port);
    };
  }

  #source(): string {
    const source = this.#backing.source();
    this.#evidence.source = source;
    if (source !== undefined) return source;
    // One sentence for all virtual addresses: such a fault is told once, not a thousand times.
    const family = `IPv${familyOf(this.address)}`;
    throw new CheckFailure('failed', `this host has no ${family} address that checks could come from`, {
      mend: `Give the director's host an address of ${family}.`,
      isOwnFault: true,
    });
  }

  #port(): number {
    const port = this.#backing.ports.take();
    if (port !== undefined) return port;
    throw new CheckFailure('failed', `all ${this.#backing.ports.size} source ports of checks are in use`, {
      mend: 'Let fewer checks run at once, or give them a larger range of source ports.',
      isOwnFault: true,
    });
  }

  #failure(error: unknown): unknown {
    if (isSourceGone(error)) this.#backing.sourceGone();
    if (!(error instanceof TunvsError)) return error;
    return new CheckFailure('failed', `the flow cannot be pinned: ${error.message}`, {
      cause: error,
      isOwnFault: true,
    });
  }
}

/** Another socket has the port, or a connection that has ended just now. */
function isTaken(error: unknown): boolean {
  if (error instanceof TunvsError) return error.code === 'ERR_TUNVS_EXISTS';
  const { code, syscall } = causeOf(error);
  return code === 'EADDRINUSE' || (code === 'EADDRNOTAVAIL' && syscall !== 'bind');
}

function isSourceGone(error: unknown): boolean {
  return causeOf(error).code === 'EADDRNOTAVAIL';
}

const causeOf = (error: unknown): NodeJS.ErrnoException =>
  error instanceof CheckFailure ? ((error.cause ?? {}) as NodeJS.ErrnoException) : (error as NodeJS.ErrnoException);
