/**
 * The way of health checks to a virtual address that this host does not direct to the device: that of a standby, or one
 * that is withheld while its services lack their quorum. Others on this host reach the address wherever it is.
 *
 *     19: from all iif lo ipproto tcp sport 61000-65534 lookup 8499
 *     19: from all iif lo ipproto udp sport 61000-65534 lookup 8499
 *     table 8499: 192.0.2.1 dev tunvs0 hoplimit 255
 *
 * The rules choose packets of this host's own with a source port of checks. All directors of the host share rules and
 * table: an address is in it once, since two directors of a host cannot have the same one.
 */
import type { AddressFamily } from '../values/inet.js';
import { familyOf } from './family.js';
import type { HeldPart, HeldParts } from './held-parts.js';
import type { Host } from './host.js';
import { type NatRule, ruleStep, rulesOn } from './nat/nat-rule.js';
import { planOwnRoute } from './own-route.js';
import type { HostStep } from './step.js';

/** The source ports of checks lie above those that Linux gives to clients. A rule of the kernel takes no 65535. */
export const CHECK_PORTS = { first: 61_000, last: 65_534 } as const;
/** It lies before the rules of NAT servers, and behind the one for local addresses. */
const PREFERENCE = 19;
const TABLE = 8499;
const PROTOCOLS = [6, 17];

export function planCheckRules(host: Host, family: AddressFamily): HostStep[] {
  const there = rulesOn(host, family);
  const rules = PROTOCOLS.map(
    (ipproto): NatRule => ({
      ...{ priority: PREFERENCE, iif: 'lo', ipproto },
      sport: `${CHECK_PORTS.first}-${CHECK_PORTS.last}`,
      action: ['lookup', `${TABLE}`],
    }),
  );
  return rules.map((rule) => ruleStep(family, rule, there, 'send health checks to the director and nobody else'));
}

export interface CheckRoutesBacking {
  readonly parts: HeldParts;
  /** Director addresses (DIP). */
  readonly sources: readonly string[];
  /** The device's name; it changes when the device is renamed. */
  readonly device: () => string;
}

export class CheckRoutes {
  readonly #backing: CheckRoutesBacking;
  readonly #routes = new Map<string, HeldPart>();
  readonly #rules = new Map<AddressFamily, HeldPart>();
  /** Why there are no rules; each check would ask for them again. */
  #refusal: Error | undefined;

  constructor(backing: CheckRoutesBacking) {
    this.#backing = backing;
  }

  has(vip: string): boolean {
    return this.#routes.has(vip);
  }

  get vips(): string[] {
    return [...this.#routes.keys()];
  }

  /** All of them or none. REQUIRES: none of them has a route here. */
  add(vips: readonly string[]): void {
    if (vips.length === 0) return;
    if (this.#refusal !== undefined) throw this.#refusal;
    const { parts, sources, device } = this.#backing;
    try {
      for (const family of new Set(vips.map(familyOf)))
        if (!this.#rules.has(family))
          this.#rules.set(
            family,
            parts.add((host) => planCheckRules(host, family)),
          );
      const routes = parts.addAll(
        vips.map((vip) => (host: Host) => planOwnRoute(host, { device: device(), sources, table: TABLE }, vip)),
      );
      for (const [index, vip] of vips.entries()) this.#routes.set(vip, routes[index] as HeldPart);
    } catch (error) {
      this.#refusal = error as Error;
      this.#dropRules();
      throw error;
    }
  }

  /** Tries again what was refused. */
  again(): void {
    this.#refusal = undefined;
  }

  remove(vips: readonly string[]): void {
    const routes = vips.map((vip) => this.#routes.get(vip)).filter((part) => part !== undefined);
    if (routes.length === 0) return;
    for (const vip of vips) this.#routes.delete(vip);
    this.#backing.parts.removeAll(routes);
    this.#dropRules();
  }

  /** Forgets everything, since all parts were taken back. */
  clear(): void {
    this.#routes.clear();
    this.#rules.clear();
  }

  #dropRules(): void {
    const used = new Set(this.vips.map(familyOf));
    for (const [family, part] of this.#rules) {
      if (used.has(family)) continue;
      this.#rules.delete(family);
      this.#backing.parts.remove(part);
    }
  }
}
