/**
 * Answers ARP and neighbour solicitations for virtual addresses that lie in one of the host's subnets, where nobody
 * routes them here.
 */
import { isRange } from '../values/prefix.js';
import { enableIpv6, familyOf, ipCommand } from './family.js';
import type { Host } from './host.js';
import { forwardIpv6 } from './ipv6-forwarding.js';
import { isOfOneMoment } from './one-moment.js';
import { proxyOwner } from './proxy-neighbour.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import { formatHostCommand, type HostStep } from './step.js';
import { addressesIn, interfacesOnLink, isLarge } from './subnet.js';
import { setSysctl } from './sysctl.js';

export class LanNeighbours {
  readonly #answers: boolean;
  /** The neighbours of the last snapshot. */
  #lans: { host: Host; byVip: Map<string, string[]> } | undefined;

  /** `answers` is false where neighbours are not answered at all. */
  constructor(answers: boolean) {
    this.#answers = answers;
  }

  /** Plans what all addresses of a LAN share, and what therefore stays until close. */
  planLan(host: Host, device: string, vip: string): HostStep[] {
    const is6 = familyOf(vip) === 6;
    const promptly = this.#lanOf(host, device, vip)
      .map((name) => `net/ipv${is6 ? 6 : 4}/neigh/${name}/proxy_delay`)
      .filter((path) => host.readSysctl(path) !== undefined)
      .flatMap((path) => setSysctl(host, path, '0', 'answer at once, without the random delay of proxies'));
    if (!is6) return promptly;
    const proxies = this.#lanOf(host, device, vip).flatMap((name) =>
      setSysctl(host, `net/ipv6/conf/${name}/proxy_ndp`, '1', `answer neighbour solicitations for others on ${name}`),
    );
    return [...enableIpv6(host, device), ...forwardIpv6(host), ...proxies, ...promptly];
  }

  /** Does the same for many, each step once. */
  planLans(host: Host, device: string, vips: readonly string[]): HostStep[] {
    const keyOf = (vip: string) => [familyOf(vip), ...this.#lanOf(host, device, vip)].join(' ');
    const alike = new Map(vips.map((vip) => [keyOf(vip), vip]));
    const steps = [...alike.values()].flatMap((vip) => this.planLan(host, device, vip));
    return [...new Map(steps.map((step) => [formatHostCommand(step.command), step])).values()];
  }

  /** Plans an entry for one address, or for each of a range, unless somebody else has a proxy for it. */
  planProxies(host: Host, device: string, vip: string): HostStep[] {
    return this.#lanOf(host, device, vip)
      .flatMap((name) => (isRange(vip) ? addressesIn(vip) : [vip]).map((address) => ({ name, address })))
      .map(({ name, address }) => ({ name, address, owner: proxyOwner(host, familyOf(vip), address, name) }))
      .filter(({ owner }) => owner !== 'others')
      .map(({ name, address, owner }) => planProxy(name, address, host.snapshot !== undefined && owner === 'ours'));
  }

  /** Returns the addresses of these and of ranges that this host answers for, by the interface of their LAN. */
  lansOf(host: Host, device: string, vips: readonly string[]): Map<string, string[]> {
    const lans = new Map<string, string[]>();
    for (const vip of vips)
      for (const name of this.#lanOf(host, device, vip)) {
        const addresses = lans.get(name) ?? [];
        addresses.push(...(isRange(vip) ? addressesIn(vip) : [vip]));
        lans.set(name, addresses);
      }
    return lans;
  }

  #lanOf(host: Host, device: string, vip: string): string[] {
    if (!this.#answers || (isRange(vip) && isLarge(vip))) return [];
    if (!isOfOneMoment(host)) return interfacesOnLink(host.addresses(), [vip], [device]);
    // The same is asked twice for every address, of which there may be thousands.
    if (this.#lans?.host !== host) this.#lans = { host, byVip: new Map() };
    const names = this.#lans.byVip.get(vip) ?? interfacesOnLink(host.addresses(), [vip], [device]);
    this.#lans.byVip.set(vip, names);
    return names;
  }
}

function planProxy(name: string, vip: string, isHeld: boolean): HostStep {
  return {
    description: `answer ${familyOf(vip) === 4 ? 'ARP' : 'neighbour solicitations'} for ${vip} on ${name}`,
    command: {
      argv: ipCommand(vip, 'neigh', 'replace', 'proxy', vip, 'dev', name, 'protocol', ROUTE_PROTOCOL),
    },
    undo: { argv: ipCommand(vip, 'neigh', 'del', 'proxy', vip, 'dev', name) },
    isHeld,
  };
}
