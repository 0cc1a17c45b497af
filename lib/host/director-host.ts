/**
 * Makes the host a director: its kernel forwards packets for a virtual address into the TUN device, answers ARP or
 * neighbour solicitations for the address where nobody routes it here, and takes back the tunnel packets that the
 * director writes to the device.
 */
import { isDeepStrictEqual } from 'node:util';
import type { NativeNeighbourNews } from '../native/neighbours.js';
import { TunvsError } from '../values/errors.js';
import { isSourceRange } from '../values/source.js';
import { DirectedAddresses } from './directed-addresses.js';
import { familyOf, hasIpv6 } from './family.js';
import { HeldParts, type HeldPart, type MissingStep } from './held-parts.js';
import { type Host, thisHost } from './host.js';
import { LanNeighbours } from './lan-neighbours.js';
import { planLocalNode, planLocalNodes } from './local-node.js';
import { mtuOf, planMainDevice, planWidth } from './main-device.js';
import { NeighbourNews, type NeighbourNewsTiming } from './neighbour-news.js';
import { NatRouting } from './nat/nat-routing.js';
import type { NatServer } from './nat/nat-server.js';
import {
  chooseTables,
  type HostMarkDevice,
  type MarkPlan,
  planMarkDevices,
  refuseTakenMarks,
  type RoutedMark,
} from './mark-device.js';
import { OneMomentHost } from './one-moment.js';
import { OwnClients } from './own-clients.js';
import { ROUTE_PROTOCOL } from './route-protocol.js';
import type { SnapshotHost } from './snapshot.js';
import { addressConflicts, refuseSources } from './source-conflicts.js';
import { strayedSources } from './source-ways.js';
import { formatHostCommand, type HostStep } from './step.js';
import { ownAddressConflicts, refuseTaken } from './vip-route.js';

export interface DirectorHostOptions {
  /**
   * Director addresses (DIP). A range is routed to the device, where ICMP errors about its tunnel packets come back.
   */
  sources: readonly string[];
  /**
   * MTU of the TUN device: the path MTU to the real servers less the outer header. The host's own stack answers longer
   * packets with "fragmentation needed". Default 1480.
   */
  mtuBytes?: number;
  /**
   * MTU of the TUN device while there are NAT servers, whose packets have no outer header, and whose replies pass it as
   * well: the path MTU. Default: as without them.
   */
  natMtuBytes?: number;
  /** Packets per queue that may wait for a worker; the kernel's own 500 are too few for a burst. Default 4096. */
  txQueueLength?: number;
  /** Whether to answer ARP and neighbour solicitations for virtual addresses in the host's subnets. Default true. */
  answersArp?: boolean;
  /**
   * How long everything stays as it is where the process is killed, for the director that is started next; packets wait
   * for it, which means that they are dropped meanwhile and nobody is told anything. Default 0.
   */
  patienceSeconds?: number;
  /** How LANs are told of addresses that come into force, and by what. By default they are not told. */
  neighbourNews?: { timing: NeighbourNewsTiming; tell: (news: NativeNeighbourNews) => number };
  /** Tests pass a host of their own. */
  host?: Host;
}

export class DirectorHost {
  readonly #host: Host;
  readonly #sources: readonly string[];
  readonly #link: { readonly mtuBytes: number; readonly txQueueLength: number };
  readonly #natMtuBytes: number;
  readonly #neighbours: LanNeighbours;
  readonly #parts: HeldParts;
  readonly #vips: DirectedAddresses;
  readonly #ownClients: OwnClients;
  readonly #nat: NatRouting;
  readonly #news: NeighbourNews | undefined;
  /** Told of what turns out to be odd after opening; `holds` says whether it still is. */
  onWarning: (message: string, holds: () => boolean) => void = () => {};
  /** Addresses that full NAT gives to packets. */
  readonly #natSources: DirectedAddresses;
  /** The devices are as wide as real servers' paths while this is there. */
  #widened: HeldPart | undefined;
  /** The part that all local nodes share. */
  #forLocalNodes: HeldPart | undefined;
  /** They are so in any case until it is known which servers come: a director before this one had NAT servers. */
  #keepsWidth = false;
  #deviceName: string | undefined;
  #marks: readonly RoutedMark[] = [];

  constructor(options: DirectorHostOptions) {
    this.#host = options.host ?? thisHost;
    this.#sources = options.sources;
    this.#link = { mtuBytes: options.mtuBytes ?? 1480, txQueueLength: options.txQueueLength ?? 4096 };
    this.#natMtuBytes = options.natMtuBytes ?? this.#link.mtuBytes;
    this.#neighbours = new LanNeighbours(options.answersArp ?? true);
    const patienceSeconds = options.patienceSeconds ?? 0;
    this.#parts = new HeldParts(this.#host, patienceSeconds);
    this.#ownClients = new OwnClients({
      ...{ host: this.#host, parts: this.#parts, sources: this.#sources },
      device: () => this.#device,
    });
    const directed = (describe: (address: string) => string) =>
      new DirectedAddresses({
        ...{ host: this.#host, parts: this.#parts, neighbours: this.#neighbours, describe },
        isPatient: patienceSeconds > 0,
        device: () => this.#device,
      });
    this.#vips = directed((vip) => `send packets for ${vip} to the director`);
    this.#natSources = directed((source) => `send answers to ${source}, which full NAT uses, to the director`);
    this.#nat = new NatRouting({
      ...{ host: this.#host, parts: this.#parts, device: () => this.#device },
      warn: (message, holds) => this.onWarning(message, holds),
    });
    this.#news =
      options.neighbourNews &&
      new NeighbourNews({
        ...{ host: this.#host, ...options.neighbourNews },
        lansOf: (vips) => this.#neighbours.lansOf(new OneMomentHost(this.#host), this.#device, vips),
        warn: (message) => this.onWarning(message, () => true),
      });
  }

  /**
   * Returns the steps that opening and adding these addresses would take now; changes nothing. `localNodes` are those
   * of the addresses that the host itself serves, `nat` what translation in both directions needs.
   */
  plan(
    deviceName: string,
    virtualAddresses: Iterable<string> = [],
    localNodes: Iterable<string> = [],
    markDevices: readonly HostMarkDevice[] = [],
    { servers = [], sources = [] }: { servers?: readonly NatServer[]; sources?: readonly string[] } = {},
  ): HostStep[] {
    const host = new OneMomentHost(this.#host);
    const markPlan = this.#markPlan(deviceName);
    const marks = chooseTables(host, markPlan, markDevices);
    const vips = [...new Set(virtualAddresses)];
    const local = [...new Set(localNodes)];
    const natSources = [...new Set(sources)];
    const lan = [...vips, ...natSources].flatMap((vip) => this.#neighbours.planLan(host, deviceName, vip));
    const commands = new Map(lan.map((step) => [formatHostCommand(step.command), step]));
    return [
      ...this.#planDevice(host, deviceName),
      ...planMarkDevices(host, markPlan, marks),
      ...commands.values(),
      ...vips.flatMap((vip) => this.#vips.plan(host, deviceName, vip)),
      ...(local.length > 0 ? planLocalNodes(host) : []),
      ...local.flatMap((vip) => this.#planLocalNode(host, deviceName, vip, marks)),
      ...natSources.flatMap((source) => this.#natSources.plan(host, deviceName, source)),
      ...this.#nat.plan(host, deviceName, servers),
      ...(servers.length + natSources.length > 0 && this.#natMtuBytes > this.#link.mtuBytes
        ? this.#planWidth(host, deviceName, marks)
        : []),
    ];
  }

  /** Found on opening about other processes that hold things of this host, one sentence each. */
  get warnings(): string[] {
    return this.#parts.setup.warnings;
  }

  /**
   * REQUIRES: the devices exist.
   * With `keepsWidth`, a device that is as wide as NAT servers' paths stays so until {@link settle}.
   * @throws {@link TunvsError} ERR_TUNVS_HOST, ERR_TUNVS_BUSY when somebody else has rules for a mark.
   */
  open(
    deviceName: string,
    markDevices: readonly HostMarkDevice[] = [],
    { keepsWidth = false }: { keepsWidth?: boolean } = {},
  ): void {
    this.#parts.setup.prepare();
    this.#parts.setup.together(() => this.#open(deviceName, markDevices, keepsWidth));
  }

  /**
   * Changes nothing, and refuses what `open` and `addVip` would.
   * @throws {@link TunvsError} ERR_TUNVS_HOST, ERR_TUNVS_BUSY, ERR_TUNVS_UNSUPPORTED.
   */
  check(
    deviceName: string,
    virtualAddresses: Iterable<string>,
    markDevices: readonly HostMarkDevice[],
    natSources: readonly string[] = [],
  ): void {
    refuseTaken(this.#host, deviceName, this.#sources.filter(isSourceRange));
    refuseTakenMarks(this.#host, this.#markPlan(deviceName), markDevices);
    const vips = [...virtualAddresses];
    this.#refuseWithoutIpv6([...vips, ...natSources]);
    refuseTaken(this.#host, deviceName, vips);
    refuseSources(this.#host, deviceName, natSources);
    refuseTaken(this.#host, deviceName, natSources);
  }

  #refuseWithoutIpv6(addresses: readonly string[]): void {
    const first = addresses.find((address) => familyOf(address) === 6);
    if (first !== undefined && !hasIpv6(this.#host)) refuseIpv6(first);
  }

  #open(deviceName: string, markDevices: readonly HostMarkDevice[], keepsWidth: boolean): void {
    this.check(deviceName, [], markDevices);
    const plan = this.#markPlan(deviceName);
    this.#marks = chooseTables(this.#host, plan, markDevices);
    this.#deviceName = deviceName;
    this.#keepsWidth = keepsWidth && mtuOf(this.#host, deviceName) === this.#natMtuBytes;
    try {
      this.#adjustWidth();
      this.#parts.add((host) => [
        ...this.#planDevice(host, this.#device),
        ...planMarkDevices(host, this.#markPlan(this.#device), this.#marks.filter(isOn(host))),
      ]);
    } catch (error) {
      this.#deviceName = undefined;
      this.#widened = undefined;
      throw error;
    }
  }

  /** Directs an address or a range to the device; does nothing when that is done already. REQUIRES: open. */
  addVip(address: string): void {
    this.addVips([address]);
  }

  /** Directs all of them or none, in few runs of ip(8). REQUIRES: open. */
  addVips(addresses: readonly string[]): void {
    if (this.#deviceName === undefined)
      throw new TunvsError('ERR_TUNVS_CLOSED', 'the host is not set up: open it first');
    const wanted = [...new Set(addresses)].filter((address) => !this.#vips.has(address));
    if (wanted.length === 0) return;
    this.#refuseWithoutIpv6(wanted);
    this.#parts.setup.together(() => {
      this.#vips.add(wanted);
      try {
        this.#ownClients.directed(wanted);
      } catch (error) {
        this.removeVips(wanted);
        throw error;
      }
    });
    this.#news?.answered(wanted);
  }

  removeVip(address: string): void {
    this.removeVips([address]);
  }

  removeVips(addresses: readonly string[]): void {
    if (!addresses.some((address) => this.#vips.has(address))) return;
    this.#news?.unanswered(addresses);
    this.#ownClients.undirected(addresses);
    this.#vips.remove(addresses);
  }

  /** Neighbours may have heard of another host meanwhile, as of a second active director. */
  tellNeighboursAgain(): void {
    this.#news?.again();
  }

  /** These are the director's addresses that are not directed to the device now: they have a way for checks alone. */
  holdBack(addresses: ReadonlySet<string>): void {
    this.#parts.setup.together(() => this.#ownClients.holdBack(addresses));
  }

  /**
   * Brings packets of these servers to the device, and of no others: their replies, and ICMP errors of their side. When
   * it throws, all is as it was. REQUIRES: open.
   */
  setNatServers(servers: readonly NatServer[]): void {
    const before = this.#nat.servers;
    if (isDeepStrictEqual(servers, before)) return;
    this.#parts.setup.together(() => {
      this.#nat.setServers(servers);
      try {
        this.#adjustWidth();
      } catch (error) {
        this.#nat.setServers(before);
        throw error;
      }
    });
  }

  #adjustWidth(): void {
    const isWide = this.#keepsWidth || this.#nat.servers.length > 0 || this.#natSources.size > 0;
    const part = this.#widened;
    if (isWide === (part !== undefined) || this.#natMtuBytes <= this.#link.mtuBytes) return;
    if (part === undefined) {
      this.#widened = this.#parts.add((host) => this.#planWidth(host, this.#device, this.#marks.filter(isOn(host))));
      return;
    }
    this.#widened = undefined;
    this.#parts.remove(part);
  }

  /** Packets for NAT servers come by the devices of marks as well. */
  #planWidth(host: Host, device: string, marks: readonly RoutedMark[]): HostStep[] {
    const names = [device, ...marks.map(({ name }) => name)];
    return names.map((name) => planWidth(host, name, this.#natMtuBytes, this.#link.mtuBytes));
  }

  /** What the devices are like now. */
  get #linkNow(): { mtuBytes: number; txQueueLength: number } {
    return this.#widened === undefined ? this.#link : { ...this.#link, mtuBytes: this.#natMtuBytes };
  }

  /**
   * Directs the addresses and ranges that full NAT gives to packets to the device, and no others, as virtual addresses
   * are directed: all of them or none. REQUIRES: open.
   */
  setNatSources(sources: readonly string[]): void {
    const wanted = new Set(sources);
    const fresh = [...wanted].filter((source) => !this.#natSources.has(source));
    const stale = [...this.#natSources.keys()].filter((source) => !wanted.has(source));
    this.#refuseWithoutIpv6(fresh);
    this.#parts.setup.together(() => {
      refuseSources(this.#host, this.#device, fresh);
      if (fresh.length > 0) this.#natSources.add(fresh);
      if (stale.length > 0) this.#natSources.remove(stale);
      this.#adjustWidth();
    });
  }

  /**
   * Makes `address` one that services of the host have, for packets that come out of the device. REQUIRES: addVip().
   */
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

  /**
   * Makes the host a client of these addresses and ranges as well, until as many calls of removeOwnClients(): the
   * director may serve them now or later. REQUIRES: open.
   */
  addOwnClients(addresses: readonly string[]): void {
    this.#parts.setup.together(() => this.#ownClients.add(addresses, (address) => this.#vips.has(address)));
  }

  removeOwnClients(addresses: readonly string[]): void {
    this.#ownClients.remove(addresses);
  }

  /** Has its services and servers: what a killed director has left besides goes. */
  settle(): void {
    this.#parts.setup.settle();
    if (!this.#keepsWidth || this.#deviceName === undefined) return;
    this.#keepsWidth = false;
    this.#parts.setup.together(() => this.#adjustWidth());
  }

  /** Takes everything back; returns what could not be taken back. Calling it twice is fine. */
  close(): Error[] {
    this.#deviceName = undefined;
    this.#news?.close();
    this.#ownClients.clear();
    this.#marks = [];
    this.#vips.clear();
    this.#nat.clear();
    this.#widened = undefined;
    this.#natSources.clear();
    this.#forLocalNodes = undefined;
    return this.#parts.clear();
  }

  get generation(): number {
    return this.#parts.generation;
  }

  /** Follows devices that were renamed: `[before, now]`. */
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

  /**
   * Returns what the host lacks of what this director needs. It needs nothing when its device is gone, and nothing for
   * a mark when the device of that is: this is told as the director's failure, and no route to a device that is gone
   * can be put back.
   */
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

  /** Returns what keeps packets from the director and is not ours to change, one sentence each. */
  conflicts(snapshot: SnapshotHost): string[] {
    return [
      ...ownAddressConflicts(snapshot, this.#deviceName, this.#vips),
      ...addressConflicts(snapshot.allAddresses, this.#deviceName, [...this.#natSources.keys()]),
      ...this.#nat.conflicts(snapshot),
    ];
  }

  /**
   * Returns routes of others that have come into the sources of full NAT, one sentence each. A snapshot leaves out the
   * routes of others, so the kernel is asked which way each source takes.
   */
  async strayedSources(signal: AbortSignal): Promise<string[]> {
    if (this.#deviceName === undefined) return [];
    return await strayedSources(this.#deviceName, [...this.#natSources.keys()], signal);
  }

  get #device(): string {
    return this.#deviceName as string;
  }

  #dropShared(): void {
    if (this.#forLocalNodes !== undefined) this.#parts.remove(this.#forLocalNodes);
    this.#forLocalNodes = undefined;
  }

  #planDevice(host: Host, device: string): HostStep[] {
    return planMainDevice(host, { device, sources: this.#sources, link: this.#linkNow });
  }

  #markPlan(device: string): MarkPlan {
    const hasSource6 = this.#sources.some((source) => familyOf(source) === 6);
    return { device, families: hasSource6 ? [4, 6] : [4], protocol: ROUTE_PROTOCOL, ...this.#linkNow };
  }

  #planLocalNode(host: Host, device: string, vip: string, marks: readonly RoutedMark[]): HostStep[] {
    const protocol = ROUTE_PROTOCOL;
    return planLocalNode(host, { device, protocol, sources: this.#sources, marks }, vip);
  }
}

/** On opening, when there is no snapshot yet, all devices are there. */
const isOn =
  ({ snapshot }: Host) =>
  ({ name }: RoutedMark) =>
    snapshot === undefined || snapshot.link(name) !== undefined;

function refuseIpv6(address: string): never {
  throw new TunvsError(
    'ERR_TUNVS_UNSUPPORTED',
    `this host has no IPv6, so ${address} cannot be served: boot it without "ipv6.disable=1"`,
  );
}
