/** Addresses and ranges that the host directs to the director's device, each held on its own. */
import { familyOf } from './family.js';
import { planFallback, planPatience } from './fallback-route.js';
import type { HeldPart, HeldParts } from './held-parts.js';
import type { Host } from './host.js';
import type { LanNeighbours } from './lan-neighbours.js';
import { OneMomentHost } from './one-moment.js';
import type { HostStep } from './step.js';
import { planRoute, refuseTaken } from './vip-route.js';

interface DirectedAddress {
  /** The part that all addresses of its LANs share. */
  lan: HeldPart;
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
    const { host, parts, neighbours, device } = this.#backing;
    refuseTaken(host, device(), addresses);
    // Sysctls are read as they are, since each plan may change what the next one finds.
    const moment = new OneMomentHost(host);
    const lans: HeldPart[] = [];
    try {
      for (const address of addresses)
        lans.push(
          parts.add((asked) => neighbours.planLan(asked.snapshot === undefined ? moment : asked, device(), address)),
        );
      const plans = addresses.map((address) => (asked: Host) => this.plan(asked, device(), address));
      const owns = parts.addAll(plans, { isExact: true });
      for (const [index, address] of addresses.entries())
        this.set(address, { lan: lans[index] as HeldPart, own: owns[index] as HeldPart });
    } catch (error) {
      for (const lan of lans) parts.remove(lan, { keepsSteps: true });
      throw error;
    }
  }

  /** What an address's LANs need stays. */
  remove(addresses: readonly string[]): void {
    const { parts } = this.#backing;
    const directed = addresses.map((address) => this.get(address)).filter((each) => each !== undefined);
    for (const address of addresses) this.delete(address);
    parts.removeAll(directed.map(({ own }) => own));
    for (const { lan } of directed) parts.remove(lan, { keepsSteps: true });
  }
}
