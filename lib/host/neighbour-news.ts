/**
 * Tells LANs that this host answers for virtual addresses now: gratuitous ARP and unsolicited neighbour advertisements,
 * at once and once more later, as keepalived does for a master. A switch learns the port, and a neighbour replaces the
 * station that it knows.
 *
 * Nothing here fails the change that it tells of: what cannot be sent is said as a warning.
 */
import { native } from '../native/addon.js';
import type { NativeNeighbourNews } from '../native/neighbours.js';
import { toTunvsError, wrapNative } from '../values/errors.js';
import { familyOf } from './family.js';
import type { Host } from './host.js';

/** How often and when a LAN is told. */
export interface NeighbourNewsTiming {
  /** How many packets for each address are sent at once, and as many later; 0 sends none. */
  count: number;
  /** The milliseconds until they are sent again; 0 does not send them again. */
  againMs: number;
  /** The milliseconds between two packets for each address from then on; 0 sends none. */
  refreshMs: number;
}

/** What keepalived does unless it is told otherwise. */
export const USUAL_NEWS: NeighbourNewsTiming = { count: 5, againMs: 5000, refreshMs: 0 };

/** Packets that are sent between two turns of the event loop; each takes some microseconds. */
const MOST_AT_ONCE = 512;

export interface NeighbourNewsBacking {
  readonly host: Pick<Host, 'addresses' | 'readSysctl'>;
  readonly timing: NeighbourNewsTiming;
  /** The addresses of these and of ranges that this host answers for, by the interface of their LAN. */
  lansOf(vips: readonly string[]): ReadonlyMap<string, readonly string[]>;
  tell(news: NativeNeighbourNews): number;
  warn(message: string): void;
}

/** Sends by a raw socket of this host. */
export function tellNeighbours(news: NativeNeighbourNews): number {
  return wrapNative(() => native.tellNeighbours(news));
}

export class NeighbourNews {
  readonly #backing: NeighbourNewsBacking;
  readonly #timers = new Set<NodeJS.Timeout>();
  readonly #answered = new Set<string>();
  #refresh: NodeJS.Timeout | undefined;
  #lastWarning = '';

  constructor(backing: NeighbourNewsBacking) {
    this.#backing = backing;
  }

  /** The host answers for these addresses and ranges from now on. */
  answered(vips: readonly string[]): void {
    const { count, againMs, refreshMs } = this.#backing.timing;
    for (const vip of vips) this.#answered.add(vip);
    if (count > 0) {
      this.#send(vips, count);
      if (againMs > 0) this.#later(againMs, () => this.#send(this.#still(vips), count));
    }
    if (refreshMs > 0) this.#refresh ??= setInterval(() => this.#send([...this.#answered], 1), refreshMs).unref();
  }

  /** Tells of all that the host answers for once more, as often as at first. */
  again(): void {
    this.#send([...this.#answered], this.#backing.timing.count);
  }

  unanswered(vips: readonly string[]): void {
    for (const vip of vips) this.#answered.delete(vip);
  }

  /** Calling it twice is fine. */
  close(): void {
    this.#answered.clear();
    for (const timer of this.#timers) clearTimeout(timer);
    this.#timers.clear();
    clearInterval(this.#refresh);
    this.#refresh = undefined;
  }

  #still(vips: readonly string[]): string[] {
    return vips.filter((vip) => this.#answered.has(vip));
  }

  #later(delayMs: number, run: () => void): void {
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      run();
    }, delayMs).unref();
    this.#timers.add(timer);
  }

  /** The first packet for every address goes out before the second one for any; the first ones go at once. */
  #send(vips: readonly string[], count: number): void {
    if (vips.length === 0) return;
    const pieces = [...this.#backing.lansOf(vips)].flatMap(([name, addresses]) =>
      piecesOf(addresses).map((piece) => ({ name, piece })),
    );
    this.#sendInTurns(Array.from({ length: count }, () => pieces).flat());
  }

  #sendInTurns([first, ...others]: { name: string; piece: string[] }[]): void {
    if (first === undefined) return;
    try {
      this.#backing.tell(this.#newsOf(first.name, first.piece));
    } catch (error) {
      this.#warn(first.name, toTunvsError(error).message);
    }
    if (others.length > 0) this.#later(0, () => this.#sendInTurns(others));
  }

  #newsOf(interfaceName: string, addresses: string[]): NativeNeighbourNews {
    const { host } = this.#backing;
    if (addresses.every((address) => familyOf(address) === 4)) return { interfaceName, addresses, isRouter: false };
    const source = host
      .addresses()
      .find((own) => own.interfaceName === interfaceName && own.address.startsWith('fe80:'))?.address;
    const isRouter = host.readSysctl(`net/ipv6/conf/${interfaceName}/forwarding`) === '1';
    return { interfaceName, addresses, isRouter, ...(source !== undefined && { source }) };
  }

  #warn(name: string, reason: string): void {
    const message = `neighbours on ${name} were not told that this host answers for virtual addresses now: ${reason}`;
    if (message !== this.#lastWarning) this.#backing.warn(message);
    this.#lastWarning = message;
  }
}

function piecesOf(addresses: readonly string[]): string[][] {
  const pieces: string[][] = [];
  for (let begin = 0; begin < addresses.length; begin += MOST_AT_ONCE)
    pieces.push(addresses.slice(begin, begin + MOST_AT_ONCE));
  return pieces;
}
