/**
 * What the host directs to the device, as the configuration wants it: addresses and ranges, and replies of NAT servers.
 *
 * A NAT server that was deleted or edited goes on sending to the clients that it has. Its packets come to the device until
 * the director has forgotten it.
 *
 * Invariant: between changes `#routed` is what the host sends to the device, `#local` the part of it that the host's own
 * services have as well, and `#nat` the servers whose replies come to the device.
 */
import { isDeepStrictEqual } from 'node:util';
import { type NatServer, natServersOf } from '../host/nat/nat-server.js';
import { type MarkRule, routedPrefixes } from '../values/marks.js';
import type { VipRoutes } from './configuration-backing.js';
import type { NatKnowledge } from './nat-knowledge.js';
import type { VirtualService } from './virtual-service.js';

export interface RouteChange {
  /** The configuration is in force: removes what nobody wants any more. */
  done(): void;
  /** The configuration was refused: removes what was added. */
  undo(): void;
}

/** How often the director is asked what it has forgotten. */
const LOOK_INTERVAL_MS = 10_000;

export class RoutedPrefixes {
  readonly #routes: VipRoutes | undefined;
  readonly #knowledge: NatKnowledge;
  readonly #take: (prefixes: ReadonlySet<string>) => void;
  #routed: ReadonlySet<string> = new Set();
  #local: ReadonlySet<string> = new Set();
  #nat: readonly NatServer[] = [];
  /** Those of `#nat` that are configured. */
  #wantedNat: readonly NatServer[] = [];
  #stopLooking: (() => void) | undefined;

  /** `take` is called with all there are, when they have come into force. */
  constructor(
    routes: VipRoutes | undefined,
    knowledge: NatKnowledge,
    take: (prefixes: ReadonlySet<string>) => void = () => {},
  ) {
    this.#routes = routes;
    this.#knowledge = knowledge;
    this.#take = take;
  }

  /** Adds what is missing, all of it or none. */
  begin(services: readonly VirtualService[], marks: readonly MarkRule[]): RouteChange {
    const routes = this.#routes;
    const wanted = routedPrefixes(services, marks);
    const local = routedPrefixes(
      services.filter((service) => service.hasLocalServer),
      marks,
    );
    const nat = united(
      services.flatMap((service) => natServersOf(service, service.forwardedServers)),
      [],
    );
    const hasNewNat = !isDeepStrictEqual(nat, this.#wantedNat);
    const added: (() => void)[] = [];
    const undo = () => {
      for (const step of added.splice(0).reverse()) step();
    };
    try {
      const vips = missing(wanted, this.#routed);
      routes?.addVips(vips);
      added.push(() => routes?.removeVips(vips));
      for (const prefix of missing(local, this.#local)) {
        routes?.addLocalNode(prefix);
        added.push(() => routes?.removeLocalNode(prefix));
      }
      if (hasNewNat) {
        const before = this.#nat;
        routes?.setNatServers(united(before, nat));
        added.push(() => this.#keepNat(before));
      }
    } catch (error) {
      undo();
      throw error;
    }
    const done = () => {
      this.#take(wanted);
      if (hasNewNat) {
        this.#wantedNat = nat;
        this.#forgetNat();
      }
      for (const prefix of missing(this.#local, local)) routes?.removeLocalNode(prefix);
      routes?.removeVips(missing(this.#routed, wanted));
      this.#local = local;
      this.#routed = wanted;
    };
    return { done, undo };
  }

  /** Lets go of the servers that the director has forgotten, and comes back for the others. */
  #forgetNat(): void {
    const all = united(this.#wantedNat, this.#knowledge.known());
    if (!isDeepStrictEqual(all, this.#nat)) this.#keepNat(all);
    const hasMore = all.length > this.#wantedNat.length;
    if (hasMore) this.#stopLooking ??= this.#knowledge.every(LOOK_INTERVAL_MS, () => this.#forgetNat());
    if (hasMore || this.#stopLooking === undefined) return;
    this.#stopLooking();
    this.#stopLooking = undefined;
  }

  /** Rules of fewer servers may be other rules. If they cannot be made, those of more servers stay, which harms nobody. */
  #keepNat(servers: readonly NatServer[]): void {
    try {
      this.#routes?.setNatServers(servers);
      this.#nat = servers;
    } catch {
      // The next change tries it again.
    }
  }
}

function nameOf({ protocols, address, port, isFtp = false }: NatServer): string {
  return `${protocols.join('+')} ${address} ${port}${isFtp ? ' with FTP' : ''}`;
}

/** Returns each server once, in an order of their own. */
function united(some: readonly NatServer[], others: readonly NatServer[]): NatServer[] {
  const all = new Map([...others, ...some].map((server) => [nameOf(server), server]));
  return [...all.keys()].sort().map((name) => all.get(name) as NatServer);
}

function missing(wanted: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  const lacking: string[] = [];
  for (const prefix of wanted) if (!there.has(prefix)) lacking.push(prefix);
  return lacking;
}
