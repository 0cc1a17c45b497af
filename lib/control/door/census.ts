/**
 * Counts who is connected and who is being answered, and says who has to wait.
 *
 * Invariants:
 * 1. A peer keeps its entry when it leaves, so that connecting anew does not make it begin anew.
 * 2. `idle` holds the clients without a request that is being answered, the longest idle first.
 */
import type { Socket } from 'node:net';
import { TunvsError } from '../../values/errors.js';
import type { DoorLimits } from './limits.js';

/** A user or an address, with all that come from it. */
interface Peer {
  readonly key: string;
  clients: number;
  requests: number;
  readonly idle: Set<Socket>;
  /** When its next request may begin, as performance.now() tells it. */
  nextAt: number;
  /** The same for its next client. */
  nextClientAt: number;
}

interface Client {
  readonly peer: Peer;
  requests: number;
  /** Tells the requests that are being answered that it is gone. */
  readonly gone: Set<() => void>;
}

/** A request that may begin. */
export interface Begun {
  /** It has to wait for its turn. */
  readonly waitMs: number;
  /** Aborted when the client is gone, or does not wait any more. */
  readonly gone: AbortSignal;
  /** Nobody waits for the answer of the application any more. */
  abandon(reason: Error): void;
  /** Nothing is done for it any more. */
  end(): void;
  /** Those with the same one take turns. */
  readonly peer: string;
}

/** Why a request is not answered. */
export type Refusal = 'busy' | 'peer busy' | 'pipelined';

/** A peer that has been quiet may do as many requests at once as it may do in this time. */
const BURST_MS = 1000;

/** Who would wait for longer is told to come again. */
const MAX_WAIT_MS = 10_000;

export class Census {
  readonly #limits: Required<DoorLimits>;
  readonly #peers = new Map<string, Peer>();
  readonly #clients = new Map<Socket, Client>();
  readonly #idle = new Set<Socket>();
  #requests = 0;

  constructor(limits: Required<DoorLimits>) {
    this.#limits = limits;
  }

  get clients(): Iterable<Socket> {
    return this.#clients.keys();
  }

  get requests(): number {
    return this.#requests;
  }

  /**
   * Returns for how many milliseconds the client has to wait before it is heard, or undefined when there is no room:
   * every other client has a request that is being answered.
   */
  admit(socket: Socket, key: string, now: number): number | undefined {
    let peer = this.#peers.get(key);
    if (peer !== undefined && peer.clients >= this.#limits.clientsPerPeer && !this.#evict(peer.idle)) return undefined;
    if (this.#clients.size >= this.#limits.clients && !this.#evict(this.#idle)) return undefined;
    if (peer === undefined) {
      // Those that stay are no more than the clients, so that this is not done again for as many newcomers.
      if (this.#peers.size >= 4 * this.#limits.clients) this.#forgetAbsent();
      peer = { key, clients: 0, requests: 0, idle: new Set(), nextAt: 0, nextClientAt: 0 };
      this.#peers.set(key, peer);
    }
    peer.clients++;
    this.#clients.set(socket, { peer, requests: 0, gone: new Set() });
    peer.idle.add(socket);
    this.#idle.add(socket);
    const turnAt = Math.max(peer.nextClientAt, now - BURST_MS);
    peer.nextClientAt = turnAt + 1000 / this.#limits.clientsPerSecond;
    return Math.max(0, turnAt - now);
  }

  leave(socket: Socket): void {
    const client = this.#clients.get(socket);
    if (client === undefined) return;
    this.#clients.delete(socket);
    client.peer.idle.delete(socket);
    this.#idle.delete(socket);
    client.peer.clients--;
    for (const tell of client.gone) tell();
  }

  /** Whether a request of this client is being answered. */
  isAnswered(socket: Socket): boolean {
    return (this.#clients.get(socket)?.requests ?? 0) > 0;
  }

  peerOf(socket: Socket): string | undefined {
    return this.#clients.get(socket)?.peer.key;
  }

  #forgetAbsent(): void {
    for (const [key, { clients, requests }] of this.#peers)
      if (clients === 0 && requests === 0) this.#peers.delete(key);
  }

  #evict(idle: Set<Socket>): boolean {
    const [longest] = idle;
    if (longest === undefined) return false;
    this.leave(longest);
    longest.destroy();
    return true;
  }

  /** A request begins: returns why it must not, or what it has to heed. REQUIRES: its end() is called. */
  begin(socket: Socket, now: number): Refusal | Begun {
    const client = this.#clients.get(socket);
    if (client === undefined) return 'busy'; // it has been told to go
    const { peer } = client;
    const limits = this.#limits;
    if (client.requests >= limits.requestsPerClient) return 'pipelined';
    if (peer.requests >= limits.requestsPerPeer) return 'peer busy';
    if (this.#requests >= limits.requests) return 'busy';
    const turnAt = Math.max(peer.nextAt, now - BURST_MS);
    const waitMs = Math.max(0, turnAt - now);
    if (waitMs > MAX_WAIT_MS) return 'peer busy';
    // It waits for those before it, and those behind it wait for it.
    peer.nextAt = turnAt + 1000 / limits.requestsPerSecond;
    client.requests++;
    peer.requests++;
    this.#requests++;
    peer.idle.delete(socket);
    this.#idle.delete(socket);
    const controller = new AbortController();
    const tell = () => controller.abort(new TunvsError('ERR_TUNVS_CLOSED', 'the client is gone'));
    client.gone.add(tell);
    const end = () => {
      if (!client.gone.delete(tell)) return;
      client.requests--;
      peer.requests--;
      this.#requests--;
      if (client.requests > 0 || this.#clients.get(socket) !== client) return;
      peer.idle.add(socket);
      this.#idle.add(socket);
    };
    return {
      waitMs,
      peer: peer.key,
      gone: controller.signal,
      abandon: (reason) => controller.abort(reason),
      end,
    };
  }
}
