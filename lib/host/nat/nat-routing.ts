/**
 * Holds what brings replies of NAT servers to the director, for a set of servers that changes.
 *
 * Invariant: `#rules` are the parts of the rules that `#servers` need, by the words of each; there is a slot exactly
 * while there is a server.
 */
import type { AddressFamily } from '../../values/inet.js';
import { hasIpv6 } from '../family.js';
import type { HeldPart, HeldParts } from '../held-parts.js';
import type { Host } from '../host.js';
import { errorOf } from '../ip-batch.js';
import { OneMomentHost } from '../one-moment.js';
import type { HostStep } from '../step.js';
import { foreignRuleConflicts } from './foreign-rules.js';
import {
  type NatPlan,
  type NatWish,
  natPlan,
  planFrame,
  planLeftOver,
  planRule,
  planWanted,
  planWays,
  wantedRules,
} from './nat-plan.js';
import { ruleWords } from './nat-rule.js';
import { familiesOf, type NatServer, serversOf } from './nat-server.js';
import { chooseSlot, type NatSlot } from './nat-slot.js';
import { natWays } from './nat-ways.js';
import { sharedReplies } from './shared-replies.js';

export interface NatRoutingBacking {
  readonly host: Host;
  readonly parts: HeldParts;
  /** The device's name; it changes when the device is renamed. */
  readonly device: () => string;
  /** Told of what is odd; `holds` says whether it still is. */
  readonly warn: (message: string, holds: () => boolean) => void;
}

/** What there is of one family, besides the rules of servers. */
interface HeldFamily {
  readonly frame: HeldPart;
  ways: HeldPart;
  /** What `ways` was made for. */
  waysKey: string;
}

export class NatRouting {
  readonly #backing: NatRoutingBacking;
  #servers: readonly NatServer[] = [];
  #slot: NatSlot | undefined;
  readonly #families = new Map<AddressFamily, HeldFamily>();
  readonly #rules = new Map<string, HeldPart>();

  constructor(backing: NatRoutingBacking) {
    this.#backing = backing;
  }

  /** The servers whose replies are brought to the director. */
  get servers(): readonly NatServer[] {
    return this.#servers;
  }

  /** Returns the steps that these servers would take now on a host that has none; changes nothing. */
  plan(host: Host, device: string, servers: readonly NatServer[]): HostStep[] {
    if (servers.length === 0) return [];
    return natPlan(host, { device, slot: this.#slot ?? chooseSlot(host, device) }, servers);
  }

  /** Brings replies of these servers to the director, and of no others; when it throws, all is as it was. */
  setServers(servers: readonly NatServer[]): void {
    if (servers.length === 0 && this.#slot === undefined) return;
    const before = this.#servers;
    try {
      this.#add(servers);
    } catch (error) {
      this.#servers = before;
      this.#removeAllBut(before);
      throw error;
    }
    this.#removeAllBut(servers);
  }

  /** Returns what takes replies before the director's rules do, one sentence each. */
  conflicts(snapshot: Host): string[] {
    if (this.#slot === undefined) return [];
    return foreignRuleConflicts(snapshot, this.#plan, this.#servers);
  }

  /** Forgets everything, since all parts were taken back. */
  clear(): void {
    this.#servers = [];
    this.#slot = undefined;
    this.#families.clear();
    this.#rules.clear();
  }

  #add(servers: readonly NatServer[]): void {
    if (servers.length === 0) return;
    const { host, parts, device, warn } = this.#backing;
    this.#slot ??= chooseSlot(new OneMomentHost(host), device());
    const slot = this.#slot;
    this.#servers = servers;
    for (const family of familiesOf(servers)) {
      if (!this.#families.has(family) && (family === 4 || hasIpv6(host))) this.#begin(family);
      this.#look(family);
    }
    const fresh = wantedRules(slot, servers)
      .filter(({ family }) => this.#families.has(family))
      .map((wish) => ({ wish, key: keyOf(wish) }))
      .filter(({ key }) => !this.#rules.has(key));
    if (fresh.length === 0) return;
    let shared: string[] | undefined;
    const added = parts.addAll(
      fresh.map(({ wish }) => (asked: Host) => {
        // The plan is made anew whenever the host has changed.
        shared ??= this.#shared(asked);
        return [planRule(asked, wish)];
      }),
    );
    for (const [index, { key }] of fresh.entries()) this.#rules.set(key, added[index] as HeldPart);
    for (const message of shared ?? []) warn(message, () => this.#slot === slot && this.#isShared(message));
  }

  /** Says which replies other directors of the host have rules for as well. */
  #shared(host: Host): string[] {
    const slot = this.#slot as NatSlot;
    const wanted = wantedRules(slot, this.#servers);
    return familiesOf(this.#servers).flatMap((family) => {
      const rules = wanted.filter((wish) => wish.family === family).map(({ rule }) => rule);
      return this.#families.has(family) ? sharedReplies(host, family, slot, rules) : [];
    });
  }

  #isShared(message: string): boolean {
    let shared = [message];
    errorOf(() => {
      shared = this.#shared(new OneMomentHost(this.#backing.host));
    });
    return shared.includes(message);
  }

  #begin(family: AddressFamily): void {
    const { host, parts } = this.#backing;
    const wanted = planWanted(host, this.#plan, serversOf(this.#servers, family));
    for (const { command } of planLeftOver(host, this.#plan, family, wanted)) host.run(command);
    const frame = parts.add((asked) => planFrame(asked, this.#plan, family), { isExact: true });
    try {
      const waysKey = this.#waysKey(family);
      this.#families.set(family, { frame, ways: this.#addWays(family), waysKey });
    } catch (error) {
      parts.remove(frame);
      throw error;
    }
  }

  /** Servers in other subnets have come, or have gone. */
  #look(family: AddressFamily): void {
    const held = this.#families.get(family);
    const waysKey = this.#waysKey(family);
    if (held === undefined || held.waysKey === waysKey) return;
    const ways = this.#addWays(family);
    this.#backing.parts.remove(held.ways);
    Object.assign(held, { ways, waysKey });
  }

  #addWays(family: AddressFamily): HeldPart {
    const plan = (asked: Host) => planWays(asked, this.#plan, this.#servers, family);
    return this.#backing.parts.add(plan, { isExact: true });
  }

  #waysKey(family: AddressFamily): string {
    const { host, device } = this.#backing;
    return JSON.stringify(natWays(host, device(), this.#servers, family));
  }

  get #plan(): NatPlan {
    return { device: this.#backing.device(), slot: this.#slot as NatSlot };
  }

  /** What cannot be removed is tried again by nobody, and does no harm: see nat-plan.ts. */
  #removeAllBut(servers: readonly NatServer[]): void {
    this.#servers = servers;
    if (this.#slot === undefined) return;
    const { parts } = this.#backing;
    const wanted = new Set(wantedRules(this.#slot, servers).map(keyOf));
    const stale = [...this.#rules].filter(([key]) => !wanted.has(key));
    for (const [key] of stale) this.#rules.delete(key);
    if (stale.length > 0) parts.removeAll(stale.map(([, part]) => part));
    const families = familiesOf(servers);
    for (const [family, held] of [...this.#families]) {
      if (families.includes(family)) {
        // What is missing is put back by the keeper, as whatever is missing.
        errorOf(() => this.#look(family));
        continue;
      }
      this.#families.delete(family);
      parts.removeAll([held.frame, held.ways]);
    }
    if (servers.length === 0) this.#slot = undefined;
  }
}

function keyOf({ family, rule }: NatWish): string {
  return `${family} ${ruleWords(rule).join(' ')}`;
}
