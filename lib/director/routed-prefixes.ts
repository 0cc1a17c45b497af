/**
 * What the host directs to the device, as the configuration wants it: addresses and ranges, and replies of NAT servers.
 *
 * Invariant: between changes `#routed` is what the host sends to the device, `#local` the part of it that the host's own
 * services have as well, and `#nat` the servers whose replies come to the device.
 */
import { type NatServer, natServersOf } from '../host/nat/nat-server.js';
import { isDeepStrictEqual } from 'node:util';
import { type MarkRule, routedPrefixes } from '../values/marks.js';
import type { VipRoutes } from './configuration-backing.js';
import type { VirtualService } from './virtual-service.js';

export interface RouteChange {
  /** The configuration is in force: removes what nobody wants any more. */
  done(): void;
  /** The configuration was refused: removes what was added. */
  undo(): void;
}

export class RoutedPrefixes {
  readonly #routes: VipRoutes | undefined;
  readonly #take: (prefixes: ReadonlySet<string>) => void;
  #routed: ReadonlySet<string> = new Set();
  #local: ReadonlySet<string> = new Set();
  #nat: readonly NatServer[] = [];

  /** `take` is called with all there are, when they have come into force. */
  constructor(routes: VipRoutes | undefined, take: (prefixes: ReadonlySet<string>) => void = () => {}) {
    this.#routes = routes;
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
    const nat = this.#natServers(services);
    const hasNewNat = !isDeepStrictEqual(nat, this.#nat);
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
        routes?.setNatServers([...this.#nat, ...nat]);
        added.push(() => this.#keepNat(this.#nat));
      }
    } catch (error) {
      undo();
      throw error;
    }
    const done = () => {
      this.#take(wanted);
      if (hasNewNat) this.#keepNat(nat);
      this.#nat = nat;
      for (const prefix of missing(this.#local, local)) routes?.removeLocalNode(prefix);
      routes?.removeVips(missing(this.#routed, wanted));
      this.#local = local;
      this.#routed = wanted;
    };
    return { done, undo };
  }

  /** Connections of a server that was edited keep the method that they began with. */
  #natServers(services: readonly VirtualService[]): NatServer[] {
    const began = new Set(this.#nat.map(nameOf));
    return services.flatMap((service) =>
      natServersOf(service, service.forwardedServers, (server) => began.has(nameOf(server))),
    );
  }

  /** Rules of fewer servers may be other rules. If they cannot be made, those of more servers stay, which harms nobody. */
  #keepNat(servers: readonly NatServer[]): void {
    try {
      this.#routes?.setNatServers(servers);
    } catch {
      // The next change tries it again.
    }
  }
}

function nameOf({ protocols, address, port }: NatServer): string {
  return `${protocols.join('+')} ${address} ${port}`;
}

function missing(wanted: ReadonlySet<string>, there: ReadonlySet<string>): string[] {
  const lacking: string[] = [];
  for (const prefix of wanted) if (!there.has(prefix)) lacking.push(prefix);
  return lacking;
}
