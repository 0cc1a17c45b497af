/**
 * Own clients: what a director's host needs so that it is a client of its own virtual addresses, as health checks are.
 *
 * A reply comes straight from a real server. Its source is the virtual address, which the host sends to the director's
 * device, so strict rp_filter drops it on the interface that it comes by. IPv6 has no such check.
 * The route that their packets take is another as well; see own-route.ts.
 */
import { isSourceRange } from '../values/source.js';
import { CheckRoutes, type CheckRoutesBacking } from './check-routes.js';
import { familyOf, ipQuery } from './family.js';
import type { HeldPart } from './held-parts.js';
import { isOurs } from './holds/holder.js';
import type { Host } from './host.js';
import { planOwnRoute } from './own-route.js';
import type { HostStep } from './step.js';
import { setSysctl } from './sysctl.js';

/** Makes rp_filter loose where it is strict. `interfaces` are those that replies come by. */
export function planReplies(host: Host, interfaces: readonly string[]): HostStep[] {
  return interfaces.flatMap((name) => {
    const path = `net/ipv4/conf/${name}/rp_filter`;
    const own = host.readSysctl(path);
    if (own === undefined) return [];
    const isHeld = own === '2' && isOurs(host, { write: path, value: own });
    if (!isHeld && !isStrict(host, name)) return [];
    return setSysctl(host, path, '2', `take replies to the host's own clients on ${name}`);
  });
}

/** The kernel uses the larger of `all` and the interface's own. */
export function isStrict(host: Pick<Host, 'readSysctl'>, name: string): boolean {
  const read = (of: string) => Number(host.readSysctl(`net/ipv4/conf/${of}/rp_filter`) ?? 0);
  return Math.max(read('all'), read(name)) === 1;
}

/** Returns the interfaces other than `except` on which rp_filter is strict. */
export function strictInterfaces(
  host: Pick<Host, 'addresses' | 'readSysctl'>,
  except: readonly string[] = [],
): string[] {
  const names = new Set(host.addresses().map(({ interfaceName }) => interfaceName));
  return [...names].filter((name) => name !== 'lo' && !except.includes(name) && isStrict(host, name));
}

/** Replies come to one of `sources`: by the interface that has it, or by the one of the default route. */
function replyInterfaces(host: Host, sources: readonly string[], device: string): string[] {
  const single = new Set(sources.filter((source) => !isSourceRange(source)));
  const holding = host.addresses().filter(({ address }) => familyOf(address) === 4 && single.has(address));
  const routes = host.query(ipQuery(4, 'route', 'show', 'default')) ?? '';
  const ways = [...routes.matchAll(/ dev (\S+)/g)].map(([, name]) => name ?? '');
  const names = new Set([...holding.map(({ interfaceName }) => interfaceName), ...ways]);
  return [...names].filter((name) => name !== 'lo' && name !== device);
}

export interface OwnClientsBacking extends CheckRoutesBacking {
  readonly host: Host;
}

/**
 * Holds what own clients of some virtual addresses need, for those of them that are directed to the device, and for those
 * that are held back: of these, checks alone are clients.
 */
export class OwnClients {
  readonly #backing: OwnClientsBacking;
  readonly #checkRoutes: CheckRoutes;
  #heldBack: ReadonlySet<string> = new Set();
  /** How often each address is wanted. */
  readonly #wanted = new Map<string, number>();
  readonly #routes = new Map<string, HeldPart>();
  #replies: HeldPart | undefined;

  constructor(backing: OwnClientsBacking) {
    this.#backing = backing;
    this.#checkRoutes = new CheckRoutes(backing);
  }

  /** Holds what is needed for `vips` until as many calls of {@link remove}. */
  add(vips: readonly string[], isDirected: (vip: string) => boolean): void {
    for (const vip of vips) this.#wanted.set(vip, (this.#wanted.get(vip) ?? 0) + 1);
    try {
      this.directed(vips.filter(isDirected));
      this.#followChecks();
    } catch (error) {
      this.remove(vips);
      throw error;
    }
  }

  remove(vips: readonly string[]): void {
    const unwanted = vips.filter((vip) => {
      const left = (this.#wanted.get(vip) ?? 0) - 1;
      if (left > 0) this.#wanted.set(vip, left);
      else this.#wanted.delete(vip);
      return left <= 0;
    });
    this.undirected(unwanted);
    this.#followChecks();
  }

  /** These are the director's addresses that have no route to the device now. */
  holdBack(vips: ReadonlySet<string>): void {
    this.#heldBack = vips;
    this.#checkRoutes.again();
    this.#followChecks();
  }

  #followChecks(): void {
    const wanted = new Set([...this.#heldBack].filter((vip) => this.#wanted.has(vip)));
    const stale = this.#checkRoutes.vips.filter((vip) => !wanted.has(vip));
    const fresh = [...wanted].filter((vip) => !this.#checkRoutes.has(vip));
    if (fresh.length > 0) this.#takeReplies(fresh);
    this.#checkRoutes.add(fresh);
    this.#checkRoutes.remove(stale);
    if (stale.length > 0) this.#dropReplies();
  }

  /** Addresses have a route to the device from now on. */
  directed(vips: readonly string[]): void {
    const due = [...new Set(vips)].filter((vip) => this.#wanted.has(vip) && !this.#routes.has(vip));
    if (due.length === 0) return;
    const { parts, sources, device } = this.#backing;
    this.#takeReplies(due);
    const routes = parts.addAll(
      due.map((vip) => (asked: Host) => planOwnRoute(asked, { device: device(), sources }, vip)),
    );
    for (const [index, vip] of due.entries()) this.#routes.set(vip, routes[index] as HeldPart);
  }

  /** Addresses lose their route to the device. REQUIRES: called while they have it. */
  undirected(vips: readonly string[]): void {
    const routes = vips.map((vip) => this.#routes.get(vip)).filter((part) => part !== undefined);
    for (const vip of vips) this.#routes.delete(vip);
    const { parts } = this.#backing;
    if (routes.length > 0) parts.removeAll(routes);
    this.#dropReplies();
  }

  #takeReplies(vips: readonly string[]): void {
    const { host, parts, sources, device } = this.#backing;
    if (this.#replies !== undefined || !vips.some((vip) => familyOf(vip) === 4)) return;
    const interfaces = replyInterfaces(host, sources, device());
    this.#replies = parts.add((asked) => planReplies(asked, interfaces));
  }

  #dropReplies(): void {
    const vips = [...this.#routes.keys(), ...this.#checkRoutes.vips];
    if (this.#replies === undefined || vips.some((vip) => familyOf(vip) === 4)) return;
    this.#backing.parts.remove(this.#replies);
    this.#replies = undefined;
  }

  /** Forgets everything, since all parts were taken back. */
  clear(): void {
    this.#wanted.clear();
    this.#routes.clear();
    this.#checkRoutes.clear();
    this.#heldBack = new Set();
    this.#replies = undefined;
  }
}
