/**
 * Makes the host a director: its kernel forwards what is for a virtual address into the TUN device, answers ARP or
 * neighbour solicitations for it where nobody routes it here, and takes back tunnel packets that the director writes to
 * the device.
 */
import { TunvsError } from '../values/errors.js';
import { isRange } from '../values/prefix.js';
import { isSourceRange } from '../values/source.js';
import { asPrefix, enableIpv6, familyOf, hasIpv6, ipCommand, ipQuery, withoutLinkLocal } from './family.js';
import { ask } from './ask.js';
import { HeldParts, type HeldPart, type MissingStep } from './held-parts.js';
import { linkAsBefore, undoOf } from './link-as-before.js';
import { planFallback } from './fallback-route.js';
import { type Host, thisHost } from './host.js';
import { planLocalNode, planLocalNodes } from './local-node.js';
import {
  chooseTables,
  type HostMarkDevice,
  isLinkAs,
  linkWords,
  type MarkPlan,
  planMarkDevices,
  refuseTakenMarks,
  type RoutedMark,
} from './mark-device.js';
import { forwardIpv6 } from './ipv6-forwarding.js';
import { proxyOwner } from './proxy-neighbour.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { SnapshotHost } from './snapshot.js';
import { formatHostCommand, type HostStep } from './step.js';
import { addressesIn, interfacesOnLink, isLarge } from './subnet.js';
import { setDeviceSysctl, setSysctl, tunnelRpFilter } from './sysctl.js';

export interface DirectorHostOptions {
  /** Director addresses (DIP); a range is routed to the device, where ICMP errors about its tunnel packets come back. */
  sources: readonly string[];
  /**
   * MTU of the TUN device: the path MTU to the real servers less the outer header. For longer packets the host's own
   * stack answers "fragmentation needed". Default 1480.
   */
  mtuBytes?: number;
  /** Packets per queue that may wait for a worker; the kernel's own 500 is too few for a burst. Default 4096. */
  txQueueLength?: number;
  /** Whether to answer ARP and neighbour solicitations for virtual addresses in the host's subnets. Default true. */
  answersArp?: boolean;
  /** For tests. */
  host?: Host;
}

/** An address that is directed to the device. */
interface DirectedVip {
  /** What its LANs share. */
  lan: HeldPart;
  own: HeldPart;
  local?: HeldPart;
}

export class DirectorHost {
  readonly #host: Host;
  readonly #sources: readonly string[];
  readonly #link: { mtuBytes: number; txQueueLength: number };
  readonly #answersArp: boolean;
  readonly #parts: HeldParts;
  readonly #vips = new Map<string, DirectedVip>();
  /** What all local nodes share. */
  #forLocalNodes: HeldPart | undefined;
  #deviceName: string | undefined;
  #marks: readonly RoutedMark[] = [];
  /** Of the last snapshot. */
  #lans: { host: Host; byVip: Map<string, string[]> } | undefined;

  constructor(options: DirectorHostOptions) {
    this.#host = options.host ?? thisHost;
    this.#sources = options.sources;
    this.#link = { mtuBytes: options.mtuBytes ?? 1480, txQueueLength: options.txQueueLength ?? 4096 };
    this.#answersArp = options.answersArp ?? true;
    this.#parts = new HeldParts(this.#host);
  }

  /**
   * The steps that opening and adding these addresses would take now; changes nothing. `localNodes`: those of them that
   * the host itself serves.
   */
  plan(
    deviceName: string,
    virtualAddresses: Iterable<string> = [],
    localNodes: Iterable<string> = [],
    markDevices: readonly HostMarkDevice[] = [],
  ): HostStep[] {
    const host = this.#host;
    const markPlan = this.#markPlan(deviceName);
    const marks = chooseTables(host, markPlan, markDevices);
    const vips = [...new Set(virtualAddresses)];
    const local = [...new Set(localNodes)];
    const lan = vips.flatMap((vip) => this.#planLan(host, deviceName, vip));
    const commands = new Map(lan.map((step) => [formatHostCommand(step.command), step]));
    return [
      ...this.#planDevice(host, deviceName),
      ...planMarkDevices(host, markPlan, marks),
      ...commands.values(),
      ...vips.flatMap((vip) => this.#planVip(host, deviceName, vip)),
      ...(local.length > 0 ? planLocalNodes(host) : []),
      ...local.flatMap((vip) => this.#planLocalNode(host, deviceName, vip, marks)),
    ];
  }

  /** What was found on opening that others of ours are concerned with, one sentence each. */
  get warnings(): string[] {
    return this.#parts.setup.warnings;
  }

  /**
   * REQUIRES: the devices exist.
   * @throws {@link TunvsError} ERR_TUNVS_HOST, ERR_TUNVS_BUSY when somebody else has rules for a mark.
   */
  open(deviceName: string, markDevices: readonly HostMarkDevice[] = []): void {
    this.#parts.setup.prepare();
    this.#parts.setup.together(() => this.#open(deviceName, markDevices));
  }

  #open(deviceName: string, markDevices: readonly HostMarkDevice[]): void {
    for (const range of this.#sources.filter(isSourceRange)) this.#refuseTaken(deviceName, range);
    const plan = this.#markPlan(deviceName);
    refuseTakenMarks(this.#host, plan, markDevices);
    this.#marks = chooseTables(this.#host, plan, markDevices);
    this.#deviceName = deviceName;
    try {
      this.#parts.add((host) => [
        ...this.#planDevice(host, this.#device),
        ...planMarkDevices(host, this.#markPlan(this.#device), this.#marks),
      ]);
    } catch (error) {
      this.#deviceName = undefined;
      throw error;
    }
  }

  /** Directs an address or a range of them to the device; nothing when it is there already. REQUIRES: open. */
  addVip(address: string): void {
    if (this.#deviceName === undefined)
      throw new TunvsError('ERR_TUNVS_CLOSED', 'the host is not set up: open it first');
    if (this.#vips.has(address)) return;
    if (familyOf(address) === 6 && !hasIpv6(this.#host)) refuseIpv6(address);
    this.#parts.setup.together(() => this.#addVip(address));
  }

  #addVip(address: string): void {
    this.#refuseTaken(this.#device, address);
    const lan = this.#parts.add((host) => this.#planLan(host, this.#device, address));
    try {
      const own = this.#parts.add((host) => this.#planVip(host, this.#device, address), { isExact: true });
      this.#vips.set(address, { lan, own });
    } catch (error) {
      this.#parts.remove(lan, { keepsSteps: true });
      throw error;
    }
  }

  removeVip(address: string): void {
    const vip = this.#vips.get(address);
    if (vip === undefined) return;
    this.#vips.delete(address);
    this.#parts.remove(vip.own);
    this.#parts.remove(vip.lan, { keepsSteps: true });
  }

  /** Makes `address` one that services of the host have, for what comes out of the device. REQUIRES: addVip(). */
  addLocalNode(address: string): void {
    const vip = this.#vips.get(address);
    if (vip === undefined)
      throw new TunvsError('ERR_TUNVS_CLOSED', `${address} is not directed to a device: add it first`);
    if (vip.local !== undefined) return;
    const isFirst = this.#forLocalNodes === undefined;
    this.#forLocalNodes ??= this.#parts.add(planLocalNodes);
    try {
      vip.local = this.#parts.add((host) => this.#planLocalNode(host, this.#device, address, this.#marks));
    } catch (error) {
      if (isFirst) this.#dropShared();
      throw error;
    }
  }

  removeLocalNode(address: string): void {
    const vip = this.#vips.get(address);
    if (vip?.local === undefined) return;
    this.#parts.remove(vip.local);
    delete vip.local;
    if (![...this.#vips.values()].some(({ local }) => local !== undefined)) this.#dropShared();
  }

  /** Takes back everything; returns what could not be taken back. Twice is fine. */
  close(): Error[] {
    this.#deviceName = undefined;
    this.#marks = [];
    this.#vips.clear();
    this.#forLocalNodes = undefined;
    return this.#parts.clear();
  }

  get generation(): number {
    return this.#parts.generation;
  }

  /** Follows devices that have another name: `[before, now]`. */
  follow(snapshot: SnapshotHost): [string, string][] {
    const renamed = this.#parts.follow(snapshot);
    const nameNow = new Map(renamed);
    if (this.#deviceName !== undefined) this.#deviceName = nameNow.get(this.#deviceName) ?? this.#deviceName;
    this.#marks = this.#marks.map((mark) => ({ ...mark, name: nameNow.get(mark.name) ?? mark.name }));
    return renamed;
  }

  prepare(snapshot: SnapshotHost): Promise<void> {
    return this.#deviceName === undefined ? Promise.resolve() : this.#parts.prepare(snapshot);
  }

  /** What the host lacks of what this director needs. Nothing when its device is gone: then it needs nothing more. */
  missing(snapshot: SnapshotHost): MissingStep[] {
    if (this.#deviceName === undefined || snapshot.link(this.#deviceName) === undefined) return [];
    return this.#parts.missing(snapshot);
  }

  putBack(missing: readonly MissingStep[]): (Error | undefined)[] {
    return this.#parts.putBack(missing);
  }

  takeBackStale(snapshot: SnapshotHost): void {
    if (this.#deviceName !== undefined && snapshot.link(this.#deviceName) !== undefined)
      this.#parts.takeBackStale(snapshot);
  }

  /** What keeps packets from the director and is not ours to change, one sentence each. */
  conflicts(snapshot: SnapshotHost): string[] {
    const device = this.#deviceName;
    const own = snapshot.allAddresses.filter(({ interfaceName }) => interfaceName !== device);
    return own
      .filter(({ address }) => this.#vips.has(address))
      .map(
        ({ address, interfaceName }) =>
          `${address} has become an address of this host, on ${interfaceName}, so its kernel keeps the packets: remove it ` +
          `with "${ipCommand(address, 'address', 'del', asPrefix(address), 'dev', interfaceName).join(' ')}"`,
      );
  }

  get #device(): string {
    return this.#deviceName as string;
  }

  #dropShared(): void {
    if (this.#forLocalNodes !== undefined) this.#parts.remove(this.#forLocalNodes);
    this.#forLocalNodes = undefined;
  }

  #planDevice(host: Host, device: string): HostStep[] {
    const rpFilter = tunnelRpFilter(host);
    const localSources = rpFilter.needsAddress ? this.#sources.filter((source) => isLocal4(host, source, device)) : [];
    const before = linkAsBefore(host, device);
    const setOnDevice = before === undefined ? setDeviceSysctl : setSysctl;
    return [
      ...withoutLinkLocal(host, device),
      {
        description: 'bring the device up',
        command: { argv: ['ip', 'link', 'set', 'dev', device, ...linkWords(this.#link)] },
        ...undoOf(before),
        isHeld: isLinkAs(host, device, this.#link),
      },
      ...setOnDevice(
        host,
        `net/ipv4/conf/${device}/rp_filter`,
        rpFilter.value,
        'take tunnel packets back from the device',
      ),
      ...setOnDevice(host, `net/ipv4/conf/${device}/accept_local`, '1', 'take them although their source is this host'),
      ...localSources.map((source) => ({
        description: 'loose rp_filter wants an address on the device',
        command: { argv: ['ip', 'address', 'replace', `${source}/32`, 'dev', device] },
        undo: { argv: ['ip', 'address', 'del', `${source}/32`, 'dev', device] },
        isHeld: host.snapshot?.hasAddress(`${source}/32`, device) ?? false,
      })),
      ...setSysctl(host, 'net/ipv4/ip_forward', '1', 'forward packets'),
      ...(this.#sources.some((source) => familyOf(source) === 6) ? this.#planIpv6(host, device) : []),
      ...this.#sources
        .filter(isSourceRange)
        .map((range) =>
          this.#planRoute(host, device, range, `have errors about packets from ${range} come to the director`),
        ),
    ];
  }

  #markPlan(device: string): MarkPlan {
    const hasSource6 = this.#sources.some((source) => familyOf(source) === 6);
    return { device, families: hasSource6 ? [4, 6] : [4], protocol: ROUTE_PROTOCOL, ...this.#link };
  }

  #planIpv6(host: Host, device: string): HostStep[] {
    return [...enableIpv6(host, device), ...forwardIpv6(host)];
  }

  #planRoute(host: Host, device: string, target: string, description: string): HostStep {
    const route = [asPrefix(target), 'dev', device, 'proto', ROUTE_PROTOCOL];
    return {
      description,
      command: { argv: ipCommand(target, 'route', 'replace', ...route) },
      undo: { argv: ipCommand(target, 'route', 'del', ...route) },
      isHeld: host.snapshot?.hasRoute(familyOf(target), { to: asPrefix(target), device }) ?? false,
    };
  }

  #planVip(host: Host, device: string, vip: string): HostStep[] {
    return [
      planFallback(host, familyOf(vip), vip),
      this.#planRoute(host, device, vip, `send what is for ${vip} to the director`),
      ...this.#lanOf(host, device, vip)
        .flatMap((name) => (isRange(vip) ? addressesIn(vip) : [vip]).map((address) => ({ name, address })))
        .map(({ name, address }) => ({ name, address, owner: proxyOwner(host, familyOf(vip), address, name) }))
        .filter(({ owner }) => owner !== 'others')
        .map(({ name, address, owner }) => planProxy(name, address, host.snapshot !== undefined && owner === 'ours')),
    ];
  }

  #planLocalNode(host: Host, device: string, vip: string, marks: readonly RoutedMark[]): HostStep[] {
    const protocol = ROUTE_PROTOCOL;
    return planLocalNode(host, { device, protocol, sources: this.#sources, marks }, vip);
  }

  /** What all addresses of a LAN share, and what therefore stays until close. */
  #planLan(host: Host, device: string, vip: string): HostStep[] {
    const is6 = familyOf(vip) === 6;
    const promptly = this.#lanOf(host, device, vip)
      .map((name) => `net/ipv${is6 ? 6 : 4}/neigh/${name}/proxy_delay`)
      .filter((path) => host.readSysctl(path) !== undefined)
      .flatMap((path) => setSysctl(host, path, '0', 'answer at once, without the random delay of proxies'));
    if (!is6) return promptly;
    const proxies = this.#lanOf(host, device, vip).flatMap((name) =>
      setSysctl(host, `net/ipv6/conf/${name}/proxy_ndp`, '1', `answer neighbour solicitations for others on ${name}`),
    );
    return [...this.#planIpv6(host, device), ...proxies, ...promptly];
  }

  #lanOf(host: Host, device: string, vip: string): string[] {
    if (!this.#answersArp || (isRange(vip) && isLarge(vip))) return [];
    if (host.snapshot === undefined) return interfacesOnLink(host.addresses(), [vip], [device]);
    // Asked twice for every address, of which there may be thousands.
    if (this.#lans?.host !== host) this.#lans = { host, byVip: new Map() };
    const names = this.#lans.byVip.get(vip) ?? interfacesOnLink(host.addresses(), [vip], [device]);
    this.#lans.byVip.set(vip, names);
    return names;
  }

  #refuseTaken(device: string, vip: string): void {
    const family = familyOf(vip);
    // Of a range, addresses of the host's own stay its own.
    const local = isRange(vip)
      ? undefined
      : ask(this.#host, ipQuery(family, '-o', 'address', 'show', 'to', asPrefix(vip))).trim();
    if (local) {
      const name = local.split(/\s+/)[1];
      const mend = ipCommand(vip, 'address', 'del', family === 4 ? vip : asPrefix(vip), 'dev', `${name}`).join(' ');
      throw new TunvsError(
        'ERR_TUNVS_HOST',
        `${vip} is an address of this host, so its kernel keeps the packets: write another virtual address where the host needs it, or remove it with "${mend}"`,
      );
    }
    const routes = ask(this.#host, ipQuery(family, 'route', 'show', 'exact', asPrefix(vip)))
      .split('\n')
      .map((line) => line.trim())
      .filter((line) => line !== '' && metricOf(line) <= OUR_METRIC[family]);
    for (const route of routes) {
      if (!route.includes(` proto ${ROUTE_PROTOCOL}`)) {
        throw new TunvsError(
          'ERR_TUNVS_HOST',
          `this host routes ${vip} elsewhere: remove that with "${ipCommand(vip, 'route', 'del', route).join(' ')}"`,
        );
      }
      const other = / dev (\S+)/.exec(route)?.[1];
      if (other !== device) {
        throw new TunvsError(
          'ERR_TUNVS_BUSY',
          `${vip} is served by the director on ${other}: stop that one, or take the address from its rules`,
        );
      }
    }
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

/** On another device than ours, which gets it for rp_filter's sake alone. */
function isLocal4(host: Host, source: string, device: string): boolean {
  if (familyOf(source) !== 4 || isSourceRange(source)) return false;
  return host.addresses().some(({ address, interfaceName }) => address === source && interfaceName !== device);
}

/** What a route gets that names none; a lower one goes before it. */
const OUR_METRIC = { 4: 0, 6: 1024 };

function metricOf(route: string): number {
  return Number(/ metric (\d+)/.exec(route)?.[1] ?? 0);
}

function refuseIpv6(address: string): never {
  throw new TunvsError(
    'ERR_TUNVS_UNSUPPORTED',
    `this host has no IPv6, so ${address} cannot be served: boot it without "ipv6.disable=1"`,
  );
}
