/**
 * Makes the host a director: its kernel forwards what is for a virtual address into the TUN device, answers ARP for it
 * where nobody routes it here, and takes back tunnel packets that the director writes to the device.
 */
import { TunvsError } from '../errors.js';
import { type Host, thisHost } from './host.js';
import { HostSetup } from './host-setup.js';
import { formatHostCommand, type HostStep } from './step.js';
import { interfacesOnLink } from './subnet.js';
import { setDeviceSysctl, setSysctl, tunnelRpFilter } from './sysctl.js';

export interface DirectorHostOptions {
  /** Director addresses (DIP). */
  sources: readonly string[];
  /**
   * MTU of the TUN device: the path MTU to the real servers less the outer header. For longer packets the host's own
   * stack answers "fragmentation needed". Default 1480.
   */
  mtuBytes?: number;
  /** Packets per queue that may wait for a worker; the kernel's own 500 is too few for a burst. Default 4096. */
  txQueueLength?: number;
  /** Whether to answer ARP for a virtual address that lies in a subnet of the host. Default true. */
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
  #deviceName: string | undefined;

  constructor(options: DirectorHostOptions) {
    this.#host = options.host ?? thisHost;
    this.#sources = options.sources;
    this.#mtuBytes = options.mtuBytes ?? 1480;
    this.#txQueueLength = options.txQueueLength ?? 4096;
    this.#answersArp = options.answersArp ?? true;
    this.#setup = new HostSetup(this.#host);
  }

  /** The steps that opening and adding these addresses would take now; changes nothing. */
  plan(deviceName: string, virtualAddresses: Iterable<string> = []): HostStep[] {
    const vips = [...new Set(virtualAddresses)];
    const lan = vips.flatMap((vip) => this.#planLan(deviceName, vip));
    const commands = new Map(lan.map((step) => [formatHostCommand(step.command), step]));
    return [
      ...this.#planDevice(deviceName),
      ...commands.values(),
      ...vips.flatMap((vip) => this.#planVip(deviceName, vip)),
    ];
  }

  /** REQUIRES: the device exists. */
  open(deviceName: string): void {
    this.#setup.apply(this.#planDevice(deviceName));
    this.#deviceName = deviceName;
  }

  /** Directs `address` to the device; nothing when it is directed there already. REQUIRES: open. */
  addVip(address: string): void {
    if (this.#deviceName === undefined)
      throw new TunvsError('ERR_TUNVS_CLOSED', 'the host is not set up: open it first');
    if (this.#vips.has(address)) return;
    refuseIpv6(address);
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

  /** Takes back everything; returns what could not be taken back. Twice is fine. */
  close(): Error[] {
    this.#deviceName = undefined;
    this.#vips.clear();
    return this.#setup.undo();
  }

  #planDevice(device: string): HostStep[] {
    const host = this.#host;
    const rpFilter = tunnelRpFilter(host);
    const localSources = rpFilter.needsAddress ? this.#sources.filter((source) => this.#isLocal(source)) : [];
    return [
      {
        description: 'bring the device up',
        command: {
          argv: [
            'ip',
            'link',
            'set',
            'dev',
            device,
            'mtu',
            `${this.#mtuBytes}`,
            'txqueuelen',
            `${this.#txQueueLength}`,
            'up',
          ],
        },
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
    ];
  }

  #planVip(device: string, vip: string): HostStep[] {
    return [
      {
        description: `send what is for ${vip} to the director`,
        command: { argv: ['ip', 'route', 'replace', `${vip}/32`, 'dev', device, 'proto', ROUTE_PROTOCOL] },
        undo: { argv: ['ip', 'route', 'del', `${vip}/32`, 'dev', device, 'proto', ROUTE_PROTOCOL] },
      },
      ...this.#lanOf(device, vip)
        .filter((name) => !this.#isAnsweredByOthers(name, vip))
        .map((name) => ({
          description: `answer ARP for ${vip} on ${name}`,
          command: { argv: ['ip', 'neigh', 'replace', 'proxy', vip, 'dev', name, 'protocol', ROUTE_PROTOCOL] },
          undo: { argv: ['ip', 'neigh', 'del', 'proxy', vip, 'dev', name] },
        })),
    ];
  }

  /** What all addresses of a LAN share, and what therefore stays until close. */
  #planLan(device: string, vip: string): HostStep[] {
    return this.#lanOf(device, vip)
      .map((name) => `net/ipv4/neigh/${name}/proxy_delay`)
      .filter((path) => this.#host.readSysctl(path) !== undefined)
      .flatMap((path) => setSysctl(this.#host, path, '0', 'answer ARP at once, without the random delay of proxies'));
  }

  #lanOf(device: string, vip: string): string[] {
    return this.#answersArp ? interfacesOnLink(this.#host.addresses(), [vip], device) : [];
  }

  #isAnsweredByOthers(interfaceName: string, vip: string): boolean {
    const entries = this.#host.query(['ip', '-4', 'neigh', 'show', 'proxy', 'dev', interfaceName]) ?? '';
    return entries
      .split('\n')
      .some((entry) => entry.startsWith(`${vip} `) && !entry.includes(`proto ${ROUTE_PROTOCOL}`));
  }

  #refuseTaken(device: string, vip: string): void {
    const local = this.#host.query(['ip', '-4', '-o', 'address', 'show', 'to', `${vip}/32`])?.trim();
    if (local) {
      const name = local.split(/\s+/)[1];
      throw new TunvsError(
        'ERR_TUNVS_HOST',
        `${vip} is an address of this host, so its kernel keeps the packets: remove it with "ip address del ${vip} dev ${name}"`,
      );
    }
    const routes = (this.#host.query(['ip', '-4', 'route', 'show', 'exact', `${vip}/32`]) ?? '')
      .split('\n')
      .map((line) => line.trim());
    for (const route of routes.filter((line) => line !== '' && !/ metric [1-9]/.test(line))) {
      if (!route.includes(` proto ${ROUTE_PROTOCOL}`)) {
        throw new TunvsError(
          'ERR_TUNVS_HOST',
          `this host routes ${vip} elsewhere: remove that with "ip route del ${route}"`,
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

  #isLocal(address: string): boolean {
    return this.#host.addresses().some((own) => own.address === address);
  }
}

function refuseIpv6(address: string): void {
  if (address.includes(':')) {
    throw new TunvsError(
      'ERR_TUNVS_UNSUPPORTED',
      `the host set-up knows IPv4 only: route ${address} to the device yourself, with setUpHost: false`,
    );
  }
}
