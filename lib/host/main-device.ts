/** The director's main device: packets come out of it, and tunnel packets that are written to it are forwarded. */
import { isSourceRange } from '../values/source.js';
import { enableIpv6, familyOf, withoutLinkLocal } from './family.js';
import type { Host } from './host.js';
import { forwardIpv6 } from './ipv6-forwarding.js';
import { linkAsBefore, undoOf } from './link-as-before.js';
import { isLinkAs, linkWords } from './mark-device.js';
import type { HostStep } from './step.js';
import { setDeviceSysctl, setSysctl, tunnelRpFilter } from './sysctl.js';
import { planRoute } from './vip-route.js';

export interface MainDevicePlan {
  device: string;
  /** Director addresses (DIP) and ranges of them. */
  sources: readonly string[];
  link: { mtuBytes: number; txQueueLength: number };
}

export function planMainDevice(host: Host, { device, sources, link }: MainDevicePlan): HostStep[] {
  const rpFilter = tunnelRpFilter(host);
  const localSources = rpFilter.needsAddress ? sources.filter((source) => isLocal4(host, source, device)) : [];
  const before = linkAsBefore(host, device);
  const setOnDevice = before === undefined ? setDeviceSysctl : setSysctl;
  return [
    ...withoutLinkLocal(host, device),
    {
      description: 'bring the device up',
      command: { argv: ['ip', 'link', 'set', 'dev', device, ...linkWords(link)] },
      ...undoOf(before),
      isHeld: isLinkAs(host, device, link),
    },
    ...setOnDevice(host, `net/ipv4/conf/${device}/rp_filter`, rpFilter.value, 'accept tunnel packets from the device'),
    ...setOnDevice(host, `net/ipv4/conf/${device}/accept_local`, '1', 'accept them although their source is this host'),
    ...localSources.map((source) => ({
      description: 'give the device an address, which loose rp_filter needs',
      command: { argv: ['ip', 'address', 'replace', `${source}/32`, 'dev', device] },
      undo: { argv: ['ip', 'address', 'del', `${source}/32`, 'dev', device] },
      isHeld: host.snapshot?.hasAddress(`${source}/32`, device) ?? false,
    })),
    ...setSysctl(host, 'net/ipv4/ip_forward', '1', 'forward packets'),
    ...(sources.some((source) => familyOf(source) === 6) ? [...enableIpv6(host, device), ...forwardIpv6(host)] : []),
    ...sources
      .filter(isSourceRange)
      .map((range) => planRoute(host, device, range, `send errors about packets from ${range} to the director`)),
  ];
}

/** Returns undefined when there is no such device. */
export function mtuOf(host: Host, device: string): number | undefined {
  const said = host.query(['ip', '-j', 'link', 'show', 'dev', device]) ?? '';
  const [link] = said.trim() === '' ? [] : (JSON.parse(said) as { mtu: number }[]);
  return link?.mtu;
}

/** Plans another MTU for a device that is up. */
export function planWidth(host: Host, device: string, mtuBytes: number, before: number): HostStep {
  const set = (bytes: number) => ({ argv: ['ip', 'link', 'set', 'dev', device, 'mtu', `${bytes}`] });
  return {
    description: "let packets through that are as long as NAT servers' paths allow",
    command: set(mtuBytes),
    undo: set(before),
    isHeld: host.snapshot?.link(device)?.mtuBytes === mtuBytes,
  };
}

/** The source is on another device; ours gets it only for rp_filter. */
function isLocal4(host: Host, source: string, device: string): boolean {
  if (familyOf(source) !== 4 || isSourceRange(source)) return false;
  return host.addresses().some(({ address, interfaceName }) => address === source && interfaceName !== device);
}
