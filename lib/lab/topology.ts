/**
 * The topologies that the lab tests and the demo use.
 *
 * routed: director and real servers in different networks, the virtual address routed to the director.
 *
 *     client 10.1.0.2 ─── 10.1.0.1 ┌────────┐ 10.2.0.1 ─── 10.2.0.2 director   (VIP 10.9.9.9)
 *                                  │ router │
 *                                  └────────┘ 10.3.0.1 ─┬─ 10.3.0.11 rs1
 *                                                       ├─ 10.3.0.12 rs2 ...
 *
 * lan: director, real servers and virtual address on one segment, so that ARP decides who gets the packets.
 *
 *     client 10.1.0.2 ─── 10.1.0.1 ┌────────┐ 10.2.0.1 ─┬─ 10.2.0.2 director   (VIP 10.2.0.100)
 *                                  │ router │           ├─ 10.2.0.11 rs1
 *                                  └────────┘           ├─ 10.2.0.12 rs2 ...
 *
 * mixed: as lan, but the last real server is behind the router, as in routed, where frames do not get to it.
 *
 * In all of these the real servers' default gateway is the router: replies go to the client without passing the
 * director.
 *
 * nat: the director is the real servers' way to the client. The last of them is behind a further router, on which the
 * others' segment is a bridge.
 *
 *     client 10.1.0.2 ─── 10.1.0.1 ┌────────┐ 10.2.0.1 ─── 10.2.0.2 ┌──────────┐ 10.4.0.1 ─┬─ 10.4.0.11 rs1
 *                                  │ router │                       │ director │           ├─ 10.4.0.12 rs2 ...
 *                                  └────────┘        (VIP 10.9.9.9) └──────────┘           │   ┌───────┐
 *                                                                               10.4.0.254 └───│ inner │── 10.5.0.13 rs3
 *                                                                                              └───────┘ 10.5.0.1
 *
 * With IPv6, 10.N.0.X has the address 2001:db8:N::X as well.
 */
import { Lab } from './lab.js';
import type { LabHost } from './lab-host.js';

export interface LabRealServer {
  host: LabHost;
  /** RIP */
  address: string;
  address6: string;
}

export interface DirectorLab {
  lab: Lab;
  client: LabHost;
  router: LabHost;
  director: LabHost;
  realServers: LabRealServer[];
  /** CIP */
  clientAddress: string;
  clientAddress6: string;
  /** DIP */
  directorAddress: string;
  directorAddress6: string;
  /** VIP */
  virtualAddress: string;
  virtualAddress6: string;
  hasIpv6: boolean;
}

export interface NatLab extends DirectorLab {
  /** The router between the director and the last real server. */
  inner: LabHost;
}

export interface TopologyOptions {
  /** How many, [1, 50]. Default 3. */
  realServers?: number;
  /**
   * `rp_filter` of `all` and `default` in the director and the real servers, as a distribution might set it. Default 0.
   */
  rpFilter?: 0 | 1 | 2;
  /** Default false, which is IPv4 alone. */
  ipv6?: boolean;
}

const CLIENT = '10.1.0.2';
const DIRECTOR = '10.2.0.2';

/** Every host's device towards the router. */
export const UPLINK = 'eth0';
/** The director's device towards the real servers, in `nat`. */
export const INNER = 'eth1';
/** What `nat` has behind the director, as prefixes. */
export const INNER_NETWORKS = ['10.4.0.0/24', '10.5.0.0/24', '2001:db8:4::/64', '2001:db8:5::/64'] as const;

/** Returns the IPv6 address that goes with 10.N.0.X. */
function sixOf(address: string): string {
  const [, network, , host] = address.split('.');
  return `2001:db8:${network}::${host}`;
}

/** Runs commands of ip(8) in `host`, written for IPv4, for each family that the lab has. */
type Wire = (host: LabHost, commands: readonly string[]) => void;

function wireFor(hasIpv6: boolean): Wire {
  return (host, commands) => host.ip([...commands, ...(hasIpv6 ? commands.map(inIpv6) : [])]);
}

/** `10.2.0.2/24` becomes `2001:db8:2::2/64`, `/32` becomes `/128`. An address without `nodad` is not usable at once. */
function inIpv6(command: string): string {
  const six = command.replaceAll(/(10\.\d+\.\d+\.\d+)(?:\/(\d+))?/g, (_, address: string, length?: string) => {
    const six = sixOf(address);
    if (length === undefined) return six;
    return `${six}/${length === '32' ? 128 : 64}`;
  });
  return six.startsWith('address add ') ? `${six} nodad` : six;
}

export async function routedLab(options: TopologyOptions = {}): Promise<DirectorLab> {
  return build(
    options,
    { virtualAddress: '10.9.9.9', serverNetwork: () => '10.3.0' },
    async ({ lab, router, director }, servers, wire) => {
      connectDirector(lab, router, director, wire);
      for (const server of servers) connectRemote(server, lab, router, wire);
    },
  );
}

export async function lanLab(options: TopologyOptions = {}): Promise<DirectorLab> {
  return lanWith(options, 0);
}

export async function mixedLab(options: TopologyOptions = {}): Promise<DirectorLab> {
  return lanWith(options, 1);
}

/** The last `remote` real servers are behind the router. */
function lanWith(options: TopologyOptions, remote: number): Promise<DirectorLab> {
  const isRemote = (index: number, count: number) => index > count - remote;
  return build(
    options,
    {
      virtualAddress: '10.2.0.100',
      serverNetwork: (index, count) => (isRemote(index, count) ? '10.3.0' : '10.2.0'),
    },
    async ({ lab, router, director }, servers, wire) => {
      router.ip(['link add name lan type bridge', 'link set dev lan up']);
      wire(router, ['address add 10.2.0.1/24 dev lan']);
      const local = servers.slice(0, servers.length - remote);
      for (const { host, address } of [{ host: director, address: DIRECTOR }, ...local]) {
        lab.connect(host, UPLINK, router, host.name);
        router.ip([`link set dev ${host.name} master lan`]);
        wire(host, [`address add ${address}/24 dev ${UPLINK}`, 'route add default via 10.2.0.1']);
      }
      for (const server of servers.slice(local.length)) connectRemote(server, lab, router, wire);
    },
  );
}

export async function natLab(options: TopologyOptions = {}): Promise<NatLab> {
  const isBehindInner = (index: number, count: number) => index === count;
  const hosts = await build(
    options,
    {
      virtualAddress: '10.9.9.9',
      serverNetwork: (index, count) => (isBehindInner(index, count) ? '10.5.0' : '10.4.0'),
    },
    async ({ lab, router, director }, servers, wire) => {
      connectDirector(lab, router, director, wire);
      const inner = await addInner(lab, options);
      inner.ip(['link add name lan type bridge', 'link set dev lan up']);
      wire(inner, ['address add 10.4.0.254/24 dev lan', 'route add default via 10.4.0.1']);
      const last = servers.at(-1);
      const near = servers.slice(0, -1).map(({ host, address }) => ({ host, device: UPLINK, address }));
      for (const { host, device, address } of [{ host: director, device: INNER, address: '10.4.0.1' }, ...near]) {
        lab.connect(host, device, inner, host.name);
        inner.ip([`link set dev ${host.name} master lan`]);
        wire(host, [`address add ${address}/24 dev ${device}`]);
      }
      for (const { host } of near) wire(host, ['route add default via 10.4.0.1']);
      if (last === undefined) return;
      lab.connect(last.host, UPLINK, inner, last.host.name);
      wire(last.host, [`address add ${last.address}/24 dev ${UPLINK}`]);
      wire(inner, [`address add 10.5.0.1/24 dev ${last.host.name}`]);
      wire(last.host, ['route add default via 10.5.0.1']);
      wire(director, ['route add 10.5.0.0/24 via 10.4.0.254']);
    },
  );
  return { ...hosts, inner: hosts.lab.hosts.find(({ name }) => name === 'inner') as LabHost };
}

async function addInner(lab: Lab, { ipv6 = false }: TopologyOptions): Promise<LabHost> {
  const inner = await lab.addHost('inner', { ipv6 });
  await inner.setSysctls(routerSysctls(ipv6));
  return inner;
}

/** traceroute sends a probe per hop, and tests send several, so the rate of a router's answers must not be limited. */
function routerSysctls(hasIpv6: boolean): Record<string, string> {
  return {
    'net/ipv4/ip_forward': '1',
    'net/ipv4/icmp_ratelimit': '0',
    ...(hasIpv6 && { 'net/ipv6/conf/all/forwarding': '1', 'net/ipv6/icmp/ratelimit': '0' }),
  };
}

/** Joins the director to the router, which sends it what is for the virtual address. */
function connectDirector(lab: Lab, router: LabHost, director: LabHost, wire: Wire): void {
  lab.connect(director, UPLINK, router, 'director');
  wire(director, [`address add ${DIRECTOR}/24 dev ${UPLINK}`]);
  wire(router, ['address add 10.2.0.1/24 dev director']);
  wire(director, ['route add default via 10.2.0.1']);
  wire(router, [`route add 10.9.9.9/32 via ${DIRECTOR}`]);
}

/** Joins the host to the router, which knows the way to each real server, by a cable of its own. */
function connectRemote({ host, address }: LabRealServer, lab: Lab, router: LabHost, wire: Wire): void {
  lab.connect(host, UPLINK, router, host.name);
  wire(host, [
    `address add ${address}/32 dev ${UPLINK}`,
    `route add 10.3.0.1/32 dev ${UPLINK}`,
    `route add default via 10.3.0.1 dev ${UPLINK} src ${address}`,
  ]);
  wire(router, [`address add 10.3.0.1/32 dev ${host.name}`, `route add ${address}/32 dev ${host.name}`]);
}

type Wiring = (
  hosts: Pick<DirectorLab, 'lab' | 'router' | 'director'>,
  servers: LabRealServer[],
  wire: Wire,
) => Promise<void>;

interface Addressing {
  virtualAddress: string;
  /** Returns the address of the real server with this number, [1, count]. */
  serverNetwork: (index: number, count: number) => string;
}

async function build(
  { realServers: count = 3, rpFilter = 0, ipv6: hasIpv6 = false }: TopologyOptions,
  { virtualAddress, serverNetwork }: Addressing,
  wiring: Wiring,
): Promise<DirectorLab> {
  const lab = Lab.create();
  try {
    const client = await lab.addHost('client', { ipv6: hasIpv6 });
    const router = await lab.addHost('router', { ipv6: hasIpv6 });
    const director = await lab.addHost('director', { ipv6: hasIpv6 });
    const realServers: LabRealServer[] = [];
    for (let index = 1; index <= count; index++) {
      const address = `${serverNetwork(index, count)}.${10 + index}`;
      realServers.push({
        host: await lab.addHost(`rs${index}`, { ipv6: hasIpv6 }),
        address,
        address6: sixOf(address),
      });
    }
    await router.setSysctls(routerSysctls(hasIpv6));
    // A port that is used again soon finds its old connection at the director, and with it the old real server.
    await client.setSysctls({ 'net/ipv4/ip_local_port_range': '1024 65535' });
    for (const host of [director, ...realServers.map((server) => server.host)]) {
      await host.setSysctls({
        'net/ipv4/conf/all/rp_filter': `${rpFilter}`,
        'net/ipv4/conf/default/rp_filter': `${rpFilter}`,
      });
    }
    const wire = wireFor(hasIpv6);
    lab.connect(client, UPLINK, router, 'client');
    wire(client, [`address add ${CLIENT}/24 dev ${UPLINK}`]);
    wire(router, ['address add 10.1.0.1/24 dev client']);
    wire(client, ['route add default via 10.1.0.1']);
    await wiring({ lab, router, director }, realServers, wire);
    return {
      lab,
      client,
      router,
      director,
      realServers,
      clientAddress: CLIENT,
      clientAddress6: sixOf(CLIENT),
      directorAddress: DIRECTOR,
      directorAddress6: sixOf(DIRECTOR),
      virtualAddress,
      virtualAddress6: sixOf(virtualAddress),
      hasIpv6,
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
}
