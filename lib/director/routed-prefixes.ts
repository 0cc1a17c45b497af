/**
 * What the host directs to the device, as the configuration wants it: addresses and ranges, and replies of NAT servers.
 * A standby has none of it, and an address whose services are announced by their quorum is held back while they lack it.
 *
 * A NAT server that was deleted or edited goes on sending to the clients that it has. Its packets come to the device until
 * the director has forgotten it.
 *
 * Invariant: between changes `#routed` is what the host sends to the device, `#local` the part of it that the host's own
 * services have as well, and `#nat` the servers whose replies come to the device; `#heldBack` are the addresses that are
 * configured besides.
 */
import { isDeepStrictEqual } from 'node:util';
import { type NatServer, natServersOf } from '../host/nat/nat-server.js';
import { type MarkRule, routedPrefixes } from '../values/marks.js';
import type { Role } from '../values/role.js';
import type { VipRoutes } from './configuration-backing.js';
import type { NatKnowledge } from './nat-knowledge.js';
import type { VirtualService } from './virtual-service.js';

export interface RouteChange {
  /** The configuration is in force: removes what nobody wants any more. */
  done(): void;
  /** The configuration was refused: removes what was added. */
  undo(): void;
}

/** Told of what cannot be done, in a sentence, and of nothing else. */
export interface RoutedPrefixesBacking {
  routes: VipRoutes | undefined;
  knowledge: NatKnowledge;
  role: Role;
  /** What full NAT gives to packets. */
  natSources: readonly string[];
  /** Is called with all that are in force, when they have come into force. */
  take?: ((prefixes: ReadonlySet<string>) => void) | undefined;
  warn?: ((message: string) => void) | undefined;
}

/** The milliseconds until a route is tried again that could not follow its services. */
const AGAIN_MS = 1000;
/** How often the director is asked what it has forgotten. */
const LOOK_INTERVAL_MS = 10_000;

export class RoutedPrefixes {
  readonly #routes: VipRoutes | undefined;
  readonly #knowledge: NatKnowledge;
  readonly #natSources: readonly string[];
  readonly #take: (prefixes: ReadonlySet<string>) => void;
  readonly #warn: (message: string) => void;
  #role: Role;
  #routed: ReadonlySet<string> = new Set();
  #local: ReadonlySet<string> = new Set();
  #heldBack: ReadonlySet<string> = new Set();
  #nat: readonly NatServer[] = [];
  /** Those of `#nat` that are configured. */
  #wantedNat: readonly NatServer[] = [];
  #stopLooking: (() => void) | undefined;
  #stopTrying: (() => void) | undefined;
  #lastWarning = '';

  constructor({ routes, knowledge, role, natSources, take = () => {}, warn = () => {} }: RoutedPrefixesBacking) {
    this.#routes = routes;
    this.#knowledge = knowledge;
    this.#role = role;
    this.#natSources = natSources;
    this.#take = take;
    this.#warn = warn;
  }

  get role(): Role {
    return this.#role;
  }

  /** The addresses that are configured and have no route. */
  get heldBack(): ReadonlySet<string> {
    return this.#heldBack;
  }

  /** All of it or none. A standby takes everything back, which does not fail. */
  setRole(role: Role, services: readonly VirtualService[], marks: readonly MarkRule[]): void {
    const before = this.#role;
    this.#role = role;
    try {
      if (role === 'active') this.#routes?.setNatSources(this.#natSources);
      this.begin(services, marks).done();
      this.#forgetNat();
    } catch (error) {
      this.#role = before;
      this.#routes?.setNatSources(before === 'active' ? this.#natSources : []);
      throw error;
    }
    if (role === 'standby') this.#routes?.setNatSources([]);
  }

  /** Whether a route depends on more than the configuration. */
  dependsOnQuorum(services: readonly VirtualService[]): boolean {
    return this.#heldBack.size > 0 || services.some(isAnnouncedWhenUp);
  }

  /** Follows the quorums of services. What cannot be done is said, and tried again. */
  follow(current: () => readonly [readonly VirtualService[], readonly MarkRule[]]): void {
    this.#stopTrying?.();
    this.#stopTrying = undefined;
    try {
      this.begin(...current()).done();
      this.#lastWarning = '';
    } catch (error) {
      const message = `the host does not follow the quorum of a service: ${(error as Error).message}`;
      if (message !== this.#lastWarning) this.#warn(message);
      this.#lastWarning = message;
      this.#stopTrying = this.#knowledge.every(AGAIN_MS, () => this.follow(current));
    }
  }

  /** Adds what is missing, all of it or none. */
  begin(services: readonly VirtualService[], marks: readonly MarkRule[]): RouteChange {
    const routes = this.#routes;
    const all = routedPrefixes(services, marks);
    const wanted = this.#inForce(all, services, marks);
    const heldBack = new Set(missing(all, wanted));
    const local = within(
      wanted,
      routedPrefixes(
        services.filter((service) => service.hasLocalServer),
        marks,
      ),
    );
    const nat =
      this.#role === 'standby'
        ? []
        : united(
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
      // The checks of what goes have a way of their own before it goes.
      this.#holdBack(heldBack);
      for (const prefix of missing(this.#local, local)) routes?.removeLocalNode(prefix);
      routes?.removeVips(missing(this.#routed, wanted));
      this.#local = local;
      this.#routed = wanted;
    };
    return { done, undo };
  }

  /** A prefix that has services announced by their quorum goes by these alone. */
  #inForce(
    all: ReadonlySet<string>,
    services: readonly VirtualService[],
    marks: readonly MarkRule[],
  ): ReadonlySet<string> {
    if (this.#role === 'standby') return new Set();
    const asking = services.filter(isAnnouncedWhenUp);
    if (asking.length === 0) return all;
    const up = routedPrefixes(
      asking.filter((service) => service.hasQuorum),
      marks,
    );
    const down = new Set(missing(routedPrefixes(asking, marks), up));
    return new Set([...all].filter((prefix) => !down.has(prefix)));
  }

  /** Only checks need it, so what fails here fails nothing else. */
  #holdBack(heldBack: ReadonlySet<string>): void {
    if (heldBack.size === 0 && this.#heldBack.size === 0) return;
    this.#heldBack = heldBack;
    try {
      this.#routes?.holdBack(heldBack);
    } catch (error) {
      this.#warn(
        `health checks have no way to addresses that this host does not announce: ${(error as Error).message}`,
      );
    }
  }

  /** Lets go of the servers that the director has forgotten, and comes back for the others. */
  #forgetNat(): void {
    const all = this.#role === 'standby' ? [] : united(this.#wantedNat, this.#knowledge.known());
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

function isAnnouncedWhenUp({ isAnnouncedByQuorum }: VirtualService): boolean {
  return isAnnouncedByQuorum;
}

function within(some: ReadonlySet<string>, others: ReadonlySet<string>): ReadonlySet<string> {
  return new Set([...others].filter((each) => some.has(each)));
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
