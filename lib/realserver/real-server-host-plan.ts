/** What a host needs to be a real server, as steps; pure, except that it reads the host. */
import type { AddressFamily } from '../values/inet.js';
import { asPrefix, enableIpv6, familyOf, ipCommand, ipQuery, withoutLinkLocal } from '../host/family.js';
import { isOurs } from '../host/holds/holder.js';
import type { Host } from '../host/host.js';
import { fallbackDevices, otherTunnels, type TunnelDevice } from '../host/kernel-tunnel.js';
import type { HostStep } from '../host/step.js';
import { interfacesOnLink } from '../host/subnet.js';
import { setDeviceSysctl, setSysctl, tunnelRpFilter } from '../host/sysctl.js';

export interface RealServerPlan {
  /** The devices that tunnel packets come out of; there are none with direct routing alone. */
  tunnels: readonly TunnelDevice[];
  /** Packets for the virtual addresses come in frames as well. */
  isDirect: boolean;
  virtualAddresses: readonly string[];
  directors: readonly string[];
  /** `auto` suppresses ARP on the interfaces in whose subnets a director or virtual address lies. */
  arpSuppression: 'auto' | 'on' | 'off';
}

const LOOPBACK = 'lo';

/**
 * Keeps the host silent about the virtual addresses. IPv6 needs none of it: the kernel answers for addresses of the
 * interface that was asked on, and the virtual address is on another. REQUIRES: the host does not have them yet.
 */
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

/**
 * Brings the devices up and gives the host its virtual addresses. REQUIRES: the devices exist when the steps are
 * applied.
 */
export function planTunnelDevices(plan: RealServerPlan, host: Host): HostStep[] {
  return [
    ...plan.tunnels.flatMap((tunnel) => planDevice(tunnel, host)),
    ...plan.virtualAddresses.flatMap((vip) =>
      holders(plan, familyOf(vip), host).flatMap((name) => hold(vip, name, host)),
    ),
  ];
}

function planDevice({ name, isShared, families }: TunnelDevice, host: Host): HostStep[] {
  const set = isShared ? setSysctl : setDeviceSysctl;
  const rpFilter = () =>
    set(
      host,
      `net/ipv4/conf/${name}/rp_filter`,
      tunnelRpFilter(host).value,
      'accept packets whose return route is not the tunnel',
    );
  return [
    ...(isShared ? [] : withoutLinkLocal(host, name)),
    ...(families.includes(6) ? enableIpv6(host, name) : []),
    ...bringUp(host, name, isShared),
    ...(families.includes(4) ? rpFilter() : []),
  ];
}

/**
 * Says where a family's virtual addresses go: on the loopback device when frames bring packets for them, since those
 * use no tunnel; otherwise on the tunnel device. Loose rp_filter accepts nothing from a device without an IPv4 address.
 */
function holders({ tunnels, isDirect }: RealServerPlan, family: AddressFamily, host: Host): string[] {
  const devices = tunnels.filter(({ families }) => families.includes(family)).map(({ name }) => name);
  const wantAddress = family === 4 && tunnelRpFilter(host).needsAddress;
  const first = isDirect ? [LOOPBACK] : devices.slice(0, 1);
  return [...new Set([...first, ...(wantAddress ? devices : [])])];
}

function hold(vip: string, device: string, host: Host): HostStep[] {
  const { snapshot } = host;
  const is6 = familyOf(vip) === 6;
  const words = [asPrefix(vip), 'dev', device];
  const undo = { argv: ipCommand(vip, 'address', 'del', ...words) };
  const isThere = snapshot?.hasAddress(asPrefix(vip), device) ?? isOnDevice(host, vip, device);
  if (isThere && !isOurs(host, undo)) return [];
  return [
    ...(is6 && device === LOOPBACK ? enableIpv6(host, device) : []),
    {
      description: `give the host the virtual address ${vip}`,
      // No neighbour may be asked whether it has the address, because the director has it.
      command: { argv: ipCommand(vip, 'address', 'add', ...words, ...(is6 ? ['nodad'] : [])) },
      undo,
      isHeld: false,
    },
  ];
}

/** Says what keeps the host from being a good real server and is not ours to change. */
export function realServerWarnings(plan: RealServerPlan, host: Host): string[] {
  return [...gatewayWarnings(plan, host), ...strictWarnings(plan, host)];
}

function gatewayWarnings({ directors }: RealServerPlan, host: Host): string[] {
  return ([4, 6] as const)
    .flatMap((family) => defaultRoutes(host, family))
    .map((route) => / via (\S+)/.exec(route)?.[1] ?? '')
    .filter((via) => directors.includes(via))
    .map(
      (via) =>
        `the default gateway is the director ${via}, so replies go through it: route them to the clients' gateway instead`,
    );
}

/** Frames of direct routing have a client's source, so strict rp_filter needs the way back to be the way they came. */
function strictWarnings({ isDirect, virtualAddresses, directors }: RealServerPlan, host: Host): string[] {
  if (!isDirect) return [];
  const ways = defaultRoutes(host, 4).map((route) => / dev (\S+)/.exec(route)?.[1]);
  const all = rpFilterOf(host, 'all');
  return interfacesOnLink(host.addresses(), [...virtualAddresses, ...directors].filter(is4), [])
    .filter((name) => Math.max(all, rpFilterOf(host, name)) === 1 && !ways.includes(name))
    .map(
      (name) =>
        `rp_filter is strict on ${name}, but the default route leads elsewhere, so packets of direct routing ` +
        `are dropped there: write 2 to /proc/sys/net/ipv4/conf/${name}/rp_filter`,
    );
}

/** In kernel mode, says which devices accept tunnel packets that no director has sent. */
export function openDoorWarnings({ tunnels }: RealServerPlan, host: Host): string[] {
  const names = tunnels.filter(({ isShared }) => isShared).map(({ name }) => name);
  const ofOthers = otherTunnels(
    host,
    tunnels.map(({ name }) => name),
  ).filter((name) => fallbackDevices.includes(name));
  return [
    ...names.map(
      (name) =>
        `${name} accepts tunnel packets from anybody, since a range of directors has no device of its own: name the ` +
        'directors one by one, choose mode "userspace", or let a firewall drop what others send',
    ),
    ...ofOthers.map(
      (name) =>
        `${name} is up and accepts tunnel packets from anybody, whatever directors are named: ` +
        `set it down with "ip link set dev ${name} down"`,
    ),
  ];
}

/** In userspace mode, a device of the kernel and our sockets both receive the same packets. */
export function otherTunnelWarnings({ tunnels }: RealServerPlan, host: Host): string[] {
  const own = tunnels.map(({ name }) => name);
  return otherTunnels(host, own).map(
    (name) =>
      `${name} is up as well and may receive the same tunnel packets, which then arrive twice: ` +
      `set it down with "ip link set dev ${name} down"`,
  );
}

const is4 = (address: string) => familyOf(address) === 4;

function rpFilterOf(host: Host, name: string): number {
  return Number(host.readSysctl(`net/ipv4/conf/${name}/rp_filter`) ?? 0);
}

function defaultRoutes(host: Host, family: AddressFamily): string[] {
  const routes = host.query(ipQuery(family, 'route', 'show', 'default')) ?? '';
  return routes.split('\n').filter((line) => line !== '');
}

function arpScopes({ arpSuppression, tunnels, virtualAddresses, directors }: RealServerPlan, host: Host): string[] {
  if (arpSuppression === 'off' || !virtualAddresses.some(is4)) return [];
  if (arpSuppression === 'on') return ['all'];
  const except = tunnels.map(({ name }) => name);
  return interfacesOnLink(host.addresses(), [...virtualAddresses, ...directors].filter(is4), except);
}

/** Larger values suppress more, so they stay. */
function raiseSysctl(host: Host, path: string, value: string, description: string): HostStep[] {
  const now = host.readSysctl(path) ?? '0';
  return setSysctl(host, path, Number(now) >= Number(value) ? now : value, description);
}

function bringUp(host: Host, device: string, isShared: boolean): HostStep[] {
  const isUp = host.snapshot?.link(device)?.isUp;
  const step = {
    description: 'bring the device up',
    command: { argv: ['ip', 'link', 'set', 'dev', device, 'up'] },
    isHeld: isUp ?? false,
  };
  if (!isShared) return [step];
  const undo = { argv: ['ip', 'link', 'set', 'dev', device, 'down'] };
  const isUpNow = isUp ?? /[<,]UP[,>]/.test(host.query(['ip', '-o', 'link', 'show', 'dev', device]) ?? '');
  return isUpNow && !isOurs(host, undo) ? [] : [{ ...step, undo }];
}

function isOnDevice(host: Host, vip: string, device: string): boolean {
  const shown = host.query(ipQuery(familyOf(vip), '-o', 'address', 'show', 'dev', device, 'to', asPrefix(vip)));
  return (shown ?? '').trim() !== '';
}
