/** What a host needs to be a real server, as steps; pure but for what it reads of the host. */
import type { Host } from './host.js';
import type { HostStep } from './step.js';
import { interfacesOnLink } from './subnet.js';
import { setDeviceSysctl, setSysctl, tunnelRpFilter } from './sysctl.js';

export interface RealServerPlan {
  /** The device that tunnel packets come out of. */
  device: string;
  /** The device stays when the program ends, as tunl0 does. */
  isShared: boolean;
  virtualAddresses: readonly string[];
  directors: readonly string[];
  /** `auto`: on the interfaces in whose subnets a director or virtual address lies. */
  arpSuppression: 'auto' | 'on' | 'off';
}

/** Keeps the host silent about the virtual addresses. To be done before it has them. */
export function planArpSuppression(plan: RealServerPlan, host: Host): HostStep[] {
  return arpScopes(plan, host).flatMap((name) => [
    ...raiseSysctl(host, `net/ipv4/conf/${name}/arp_ignore`, '1', `do not answer ARP for virtual addresses (${name})`),
    ...raiseSysctl(
      host,
      `net/ipv4/conf/${name}/arp_announce`,
      '2',
      `do not name virtual addresses in ARP requests (${name})`,
    ),
  ]);
}

/** Brings the device up with the virtual addresses on it. REQUIRES: the device exists, when the steps are applied. */
export function planTunnelDevice(plan: RealServerPlan, host: Host): HostStep[] {
  const { device, isShared, virtualAddresses } = plan;
  const set = isShared ? setSysctl : setDeviceSysctl;
  const missing = virtualAddresses.filter((vip) => !isOnDevice(host, vip, device));
  return [
    ...bringUp(host, device, isShared),
    ...set(
      host,
      `net/ipv4/conf/${device}/rp_filter`,
      tunnelRpFilter(host).value,
      'take packets whose return route is not the tunnel',
    ),
    ...missing.map((vip) => ({
      description: `give the host the virtual address ${vip}`,
      command: { argv: ['ip', 'address', 'add', `${vip}/32`, 'dev', device] },
      undo: { argv: ['ip', 'address', 'del', `${vip}/32`, 'dev', device] },
    })),
  ];
}

/** What keeps the host from being a good real server and is not ours to change. */
export function realServerWarnings({ directors }: RealServerPlan, host: Host): string[] {
  const routes = (host.query(['ip', '-4', 'route', 'show', 'default']) ?? '').split('\n');
  const gateway = routes
    .map((route) => / via (\S+)/.exec(route)?.[1])
    .find((via) => via !== undefined && directors.includes(via));
  if (gateway === undefined) return [];
  return [
    `the default gateway is the director ${gateway}, so replies go through it: route them to the clients' gateway instead`,
  ];
}

function arpScopes({ arpSuppression, device, virtualAddresses, directors }: RealServerPlan, host: Host): string[] {
  if (arpSuppression === 'off') return [];
  if (arpSuppression === 'on') return ['all'];
  return interfacesOnLink(host.addresses(), [...virtualAddresses, ...directors], device);
}

/** Larger values suppress more, so they stay. */
function raiseSysctl(host: Host, path: string, value: string, description: string): HostStep[] {
  return Number(host.readSysctl(path) ?? '0') >= Number(value) ? [] : setSysctl(host, path, value, description);
}

function bringUp(host: Host, device: string, isShared: boolean): HostStep[] {
  const step = { description: 'bring the device up', command: { argv: ['ip', 'link', 'set', 'dev', device, 'up'] } };
  if (!isShared) return [step];
  if (/[<,]UP[,>]/.test(host.query(['ip', '-o', 'link', 'show', 'dev', device]) ?? '')) return [];
  return [{ ...step, undo: { argv: ['ip', 'link', 'set', 'dev', device, 'down'] } }];
}

function isOnDevice(host: Host, vip: string, device: string): boolean {
  return (host.query(['ip', '-4', '-o', 'address', 'show', 'dev', device, 'to', `${vip}/32`]) ?? '').trim() !== '';
}
