/**
 * Makes the host a director: its kernel forwards what is for a virtual address into the TUN device, answers ARP or
 * neighbour solicitations for it where nobody routes it here, and takes back tunnel packets that the director writes to
 * the device.
 */
import { TunvsError } from '../errors.js';
import { isRange } from '../prefix.js';
import { isSourceRange } from '../source.js';
import { asPrefix, enableIpv6, familyOf, hasIpv6, ipCommand, ipQuery, withoutLinkLocal } from './family.js';
import { planFallback } from './fallback-route.js';
import { type Host, thisHost } from './host.js';
import { HostSetup } from './host-setup.js';
import { planLocalNode, planLocalNodes } from './local-node.js';
import {
  type HostMarkDevice,
  type MarkPlan,
  planMarkDevices,
  refuseTakenMarks,
  type RoutedMark,
} from './mark-device.js';
import { forwardIpv6 } from './ipv6-forwarding.js';
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

/** Marks routes and neighbour entries as ours (unassigned in iproute2's rt_protos). */
const ROUTE_PROTOCOL = '84';

export class DirectorHost {
  readonly #host: Host;
  readonly #sources: readonly string[];
  readonly #mtuBytes: number;
  readonly #txQueueLength: number;
  readonly #answersArp: boolean;
  readonly #setup: HostSetup;
  readonly #vips = new Map<string, HostStep[]>();
  readonly #localNodes = new Map<string, HostStep[]>();
  /** What all local nodes share. */
  #forLocalNodes: HostStep[] = [];
  #deviceName: string | undefined;
  #marks: readonly RoutedMark[] = [];

  constructor(options: DirectorHostOptions) {
    this.#host = options.host ?? thisHost;
    this.#sources = options.sources;
    this.#mtuBytes = options.mtuBytes ?? 1480;
    this.#txQueueLength = options.txQueueLength ?? 4096;
    this.#answersArp = options.answersArp ?? true;
    this.#setup = new HostSetup(this.#host);
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
    const { steps: ofMarks, marks } = planMarkDevices(this.#host, this.#markPlan(deviceName), markDevices);
    const vips = [...new Set(virtualAddresses)];
    const local = [...new Set(localNodes)];
    const lan = vips.flatMap((vip) => this.#planLan(deviceName, vip));
    const commands = new Map(lan.map((step) => [formatHostCommand(step.command), step]));
    return [
      ...this.#planDevice(deviceName),
      ...ofMarks,
      ...commands.values(),
      ...vips.flatMap((vip) => this.#planVip(deviceName, vip)),
      ...(local.length > 0 ? planLocalNodes(this.#host) : []),
      ...local.flatMap((vip) => this.#planLocalNode(deviceName, vip, marks)),
    ];
  }

  /** What was found on opening that others of ours are concerned with, one sentence each. */
  get warnings(): string[] {
    return this.#setup.warnings;
  }

  /**
   * REQUIRES: the devices exist.
   * @throws {@link TunvsError} ERR_TUNVS_HOST, ERR_TUNVS_BUSY when somebody else has rules for a mark.
   */
  open(deviceName: string, markDevices: readonly HostMarkDevice[] = []): void {
    this.#setup.prepare();
    const plan = this.#markPlan(deviceName);
    refuseTakenMarks(this.#host, plan, markDevices);
    const { steps, marks } = planMarkDevices(this.#host, plan, markDevices);
    this.#setup.apply([...this.#planDevice(deviceName), ...steps]);
    this.#marks = marks;
    this.#deviceName = deviceName;
  }

  /** Directs an address or a range of them to the device; nothing when it is there already. REQUIRES: open. */
  addVip(address: string): void {
    if (this.#deviceName === undefined)
      throw new TunvsError('ERR_TUNVS_CLOSED', 'the host is not set up: open it first');
    if (this.#vips.has(address)) return;
    if (familyOf(address) === 6 && !hasIpv6(this.#host)) refuseIpv6(address);
    this.#refuseTaken(this.#deviceName, address);
    this.#setup.apply(this.#planLan(this.#deviceName, address));
    const steps = this.#planVip(this.#deviceName, address);
    this.#setup.apply(steps);
    this.#vips.set(address, steps);
  }

  removeVip(address: string): void {
    const steps = this.#vips.get(address);
    if (steps === undefined) return;
    this.#vips.delete(address);
    this.#setup.undo(steps);
  }

  /** Makes `address` one that services of the host have, for what comes out of the device. REQUIRES: addVip(). */
  addLocalNode(address: string): void {
    if (this.#deviceName === undefined || !this.#vips.has(address))
      throw new TunvsError('ERR_TUNVS_CLOSED', `${address} is not directed to a device: add it first`);
    if (this.#localNodes.has(address)) return;
    const shared = this.#localNodes.size === 0 ? planLocalNodes(this.#host) : [];
    const own = this.#planLocalNode(this.#deviceName, address, this.#marks);
    this.#setup.apply([...shared, ...own]);
    if (this.#localNodes.size === 0) this.#forLocalNodes = shared;
    this.#localNodes.set(address, own);
  }

  removeLocalNode(address: string): void {
    const steps = this.#localNodes.get(address);
    if (steps === undefined) return;
    this.#localNodes.delete(address);
    this.#setup.undo(this.#localNodes.size === 0 ? [...this.#forLocalNodes, ...steps] : steps);
  }

  /** Takes back everything; returns what could not be taken back. Twice is fine. */
  close(): Error[] {
    this.#deviceName = undefined;
    this.#marks = [];
    this.#vips.clear();
    this.#localNodes.clear();
    return this.#setup.undo();
  }

  #planDevice(device: string): HostStep[] {
    const host = this.#host;
    const rpFilter = tunnelRpFilter(host);
    const localSources = rpFilter.needsAddress ? this.#sources.filter((source) => this.#isLocal4(source)) : [];
    return [
      ...withoutLinkLocal(host, device),
      {
        description: 'bring the device up',
        command: { argv: ['ip', 'link', 'set', 'dev', device, ...this.#linkWords()] },
      },
      ...setDeviceSysctl(
        host,
        `net/ipv4/conf/${device}/rp_filter`,
        rpFilter.value,
        'take tunnel packets back from the device',
      ),
      ...setDeviceSysctl(
        host,
        `net/ipv4/conf/${device}/accept_local`,
        '1',
        'take them although their source is this host',
      ),
      ...localSources.map((source) => ({
        description: 'loose rp_filter wants an address on the device',
        command: { argv: ['ip', 'address', 'replace', `${source}/32`, 'dev', device] },
        undo: { argv: ['ip', 'address', 'del', `${source}/32`, 'dev', device] },
      })),
      ...setSysctl(host, 'net/ipv4/ip_forward', '1', 'forward packets'),
      ...(this.#sources.some((source) => familyOf(source) === 6) ? this.#planIpv6(device) : []),
      ...this.#sources
        .filter(isSourceRange)
        .map((range) => this.#planRoute(device, range, `have errors about packets from ${range} come to the director`)),
    ];
  }

  #linkWords(): string[] {
    return ['mtu', `${this.#mtuBytes}`, 'txqueuelen', `${this.#txQueueLength}`, 'up'];
  }

  #markPlan(device: string): MarkPlan {
    const hasSource6 = this.#sources.some((source) => familyOf(source) === 6);
    return { device, families: hasSource6 ? [4, 6] : [4], protocol: ROUTE_PROTOCOL, linkWords: this.#linkWords() };
  }

  #planIpv6(device: string): HostStep[] {
    return [...enableIpv6(this.#host, device), ...forwardIpv6(this.#host)];
  }

  #planRoute(device: string, target: string, description: string): HostStep {
    const route = [asPrefix(target), 'dev', device, 'proto', ROUTE_PROTOCOL];
    return {
      description,
      command: { argv: ipCommand(target, 'route', 'replace', ...route) },
      undo: { argv: ipCommand(target, 'route', 'del', ...route) },
    };
  }

  #planVip(device: string, vip: string): HostStep[] {
    return [
      planFallback(this.#host, familyOf(vip), vip),
      this.#planRoute(device, vip, `send what is for ${vip} to the director`),
      ...this.#lanOf(device, vip)
        .flatMap((name) => addressesIn(vip).map((address) => ({ name, address })))
        .filter(({ name, address }) => !this.#isAnsweredByOthers(name, address))
        .map(({ name, address }) => this.#planProxy(name, address)),
    ];
  }

  #planProxy(name: string, vip: string): HostStep {
    return {
      description: `answer ${familyOf(vip) === 4 ? 'ARP' : 'neighbour solicitations'} for ${vip} on ${name}`,
      command: {
        argv: ipCommand(vip, 'neigh', 'replace', 'proxy', vip, 'dev', name, 'protocol', ROUTE_PROTOCOL),
      },
      undo: { argv: ipCommand(vip, 'neigh', 'del', 'proxy', vip, 'dev', name) },
    };
  }

  #planLocalNode(device: string, vip: string, marks: readonly RoutedMark[]): HostStep[] {
    const protocol = ROUTE_PROTOCOL;
    return planLocalNode(this.#host, { device, protocol, sources: this.#sources, marks }, vip);
  }

  /** What all addresses of a LAN share, and what therefore stays until close. */
  #planLan(device: string, vip: string): HostStep[] {
    const is6 = familyOf(vip) === 6;
    const host = this.#host;
    const promptly = this.#lanOf(device, vip)
      .map((name) => `net/ipv${is6 ? 6 : 4}/neigh/${name}/proxy_delay`)
      .filter((path) => host.readSysctl(path) !== undefined)
      .flatMap((path) => setSysctl(host, path, '0', 'answer at once, without the random delay of proxies'));
    if (!is6) return promptly;
    const proxies = this.#lanOf(device, vip).flatMap((name) =>
      setSysctl(host, `net/ipv6/conf/${name}/proxy_ndp`, '1', `answer neighbour solicitations for others on ${name}`),
    );
    return [...this.#planIpv6(device), ...proxies, ...promptly];
  }

  #lanOf(device: string, vip: string): string[] {
    return this.#answersArp && !isLarge(vip) ? interfacesOnLink(this.#host.addresses(), [vip], [device]) : [];
  }

  #isAnsweredByOthers(interfaceName: string, vip: string): boolean {
    const entries = this.#host.query(ipQuery(familyOf(vip), 'neigh', 'show', 'proxy', 'dev', interfaceName)) ?? '';
    return entries
      .split('\n')
      .some((entry) => entry.startsWith(`${vip} `) && !entry.includes(`proto ${ROUTE_PROTOCOL}`));
  }

  #refuseTaken(device: string, vip: string): void {
    const family = familyOf(vip);
    // Of a range, addresses of the host's own stay its own.
    const local = isRange(vip)
      ? undefined
      : this.#host.query(ipQuery(family, '-o', 'address', 'show', 'to', asPrefix(vip)))?.trim();
    if (local) {
      const name = local.split(/\s+/)[1];
      const mend = ipCommand(vip, 'address', 'del', family === 4 ? vip : asPrefix(vip), 'dev', `${name}`).join(' ');
      throw new TunvsError(
        'ERR_TUNVS_HOST',
        `${vip} is an address of this host, so its kernel keeps the packets: remove it with "${mend}"`,
      );
    }
    const routes = (this.#host.query(ipQuery(family, 'route', 'show', 'exact', asPrefix(vip))) ?? '')
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

  #isLocal4(source: string): boolean {
    return (
      familyOf(source) === 4 && !isSourceRange(source) && this.#host.addresses().some((own) => own.address === source)
    );
  }
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
