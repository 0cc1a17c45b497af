/** Addresses and ranges that the host directs to the director's device, each held on its own. */
import { familyOf } from './family.js';
import { planFallback, planPatience } from './fallback-route.js';
import type { HeldPart, HeldParts } from './held-parts.js';
import type { Host } from './host.js';
import type { LanNeighbours } from './lan-neighbours.js';
import { OneMomentHost } from './one-moment.js';
import type { HostStep } from './step.js';
import { planRoute, refuseTaken } from './vip-route.js';

/** What the LANs of addresses need that were directed together, for those of them that still are. */
interface SharedLan {
  readonly addresses: Set<string>;
  readonly part: HeldPart;
}

interface DirectedAddress {
  lan: SharedLan;
  own: HeldPart;
  /** What makes it a local node. */
  local?: HeldPart;
}

export interface DirectedBacking {
  readonly host: Host;
  readonly parts: HeldParts;
  readonly neighbours: LanNeighbours;
  /** While the device is gone, for the time of a restart, nobody is told that an address cannot be reached. */
  readonly isPatient: boolean;
  /** The device's name; it changes when the device is renamed. */
  readonly device: () => string;
  /** Says what the route to an address is for. */
  readonly describe: (address: string) => string;
}

export class DirectedAddresses extends Map<string, DirectedAddress> {
  readonly #backing: DirectedBacking;

  constructor(backing: DirectedBacking) {
    super();
    this.#backing = backing;
  }

  /** Returns the steps for one address, besides those that its LANs need. */
  plan(host: Host, device: string, address: string): HostStep[] {
    return [
      planFallback(host, familyOf(address), address),
      ...(this.#backing.isPatient ? [planPatience(host, familyOf(address), address)] : []),
      planRoute(host, device, address, this.#backing.describe(address)),
      ...this.#backing.neighbours.planProxies(host, device, address),
    ];
  }

  /** Directs all of them or none, in few runs of ip(8). REQUIRES: none of them is directed yet. */
  add(addresses: readonly string[]): void {
    const { host, parts, device } = this.#backing;
    refuseTaken(host, device(), addresses);
    const lan = this.#shareLan(new Set(addresses));
    try {
      const plans = addresses.map((address) => (asked: Host) => this.plan(asked, device(), address));
      const owns = parts.addAll(plans, { isExact: true });
      for (const [index, address] of addresses.entries()) this.set(address, { lan, own: owns[index] as HeldPart });
    } catch (error) {
      parts.remove(lan.part, { keepsSteps: true });
      throw error;
    }
  }

  #shareLan(addresses: Set<string>): SharedLan {
    const { host, parts, neighbours, device } = this.#backing;
    const moment = new OneMomentHost(host);
    const part = parts.add((asked) => {
      const of = asked.snapshot === undefined ? moment : asked;
      return neighbours.planLans(of, device(), [...addresses]);
    });
    return { addresses, part };
  }

  /** What an address's LANs need stays. */
  remove(addresses: readonly string[]): void {
    const { parts } = this.#backing;
    const directed = addresses.map((address) => this.get(address)).filter((each) => each !== undefined);
    for (const address of addresses) this.delete(address);
    parts.removeAll(directed.map(({ own }) => own));
    for (const address of addresses)
      for (const { lan } of directed)
        if (lan.addresses.delete(address) && lan.addresses.size === 0) parts.remove(lan.part, { keepsSteps: true });
  }
}
