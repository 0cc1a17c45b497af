/**
 * A director with nothing around it but two wires, whose other ends are one program's: it plays the clients and the
 * real servers, sends packets made byte by byte, and says what came out for each.
 *
 *     ┌───────┐ clients ─────── in ┌──────────┐
 *     │ world │                    │ director │
 *     └───────┘ servers ────── out └──────────┘
 */
import { Agent } from '../../lib/lab/agent.js';
import { Lab } from '../../lib/lab/lab.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { WIRE_SCRIPT } from './wire-script.js';

/** The director's device that clients' packets come in by. */
export const CLIENT_SIDE = 'in';

const BARRIER_ADDRESS = '192.168.50.99';
const BARRIER_SERVER = '10.0.0.50';
/** The director needs these beside its own rules: a datagram to this service follows each group of packets. */
export const BARRIER_RULES = [
  `-A -u ${BARRIER_ADDRESS}:9 -s rr -o`,
  `-a -u ${BARRIER_ADDRESS}:9 -r ${BARRIER_SERVER}:9 -i`,
];
/** Returns a rule that changes nothing that matters; REQUIRES: another number than the last time. */
export const barrierChange = (number: number) =>
  `-e -u ${BARRIER_ADDRESS}:9 -r ${BARRIER_SERVER}:9 -i -w ${1 + (number % 2)}`;
export const isBarrier = ({ address }: { address: string }) => address === BARRIER_ADDRESS;

export interface WireOptions {
  /** The director's addresses on both sides, with their lengths. */
  addresses: Readonly<Record<'clients' | 'servers', readonly string[]>>;
  /** Where the clients are. */
  clients: readonly string[];
  /** Addresses that the director can send to on the servers' side. */
  servers: readonly string[];
  hasIpv6?: boolean;
}

/** Packets that are sent without a look at what comes out. */
export interface Group {
  packets: readonly Uint8Array[];
  /** Whether the director gets a moment of quiet afterwards, in which it can hand connections over to the kernel. */
  settles?: boolean;
}

/** A packet that came out of the director. */
export interface Arrival {
  side: 'clients' | 'servers';
  data: Uint8Array;
  /** How many packets had been sent by then. */
  sent: number;
}

export class Wire {
  readonly director: LabHost;
  readonly #lab: Lab;
  readonly #player: Agent;

  static async open(options: WireOptions): Promise<Wire> {
    const lab = Lab.create();
    try {
      const ipv6 = options.hasIpv6 ?? false;
      const world = await lab.addHost('world');
      const director = await lab.addHost('director', { ipv6 });
      await director.setSysctls({
        'net/ipv4/conf/all/rp_filter': '0',
        'net/ipv4/conf/default/rp_filter': '0',
        'net/ipv4/icmp_ratelimit': '0',
        ...(ipv6 && { 'net/ipv6/icmp/ratelimit': '0' }),
      });
      lab.connect(world, 'clients', director, CLIENT_SIDE);
      lab.connect(world, 'servers', director, 'out');
      const [clientsMac, serversMac, inMac, outMac] = [
        ...(await macs(world, ['clients', 'servers'])),
        ...(await macs(director, [CLIENT_SIDE, 'out'])),
      ];
      director.ip([
        ...options.addresses.clients.map((address) => `address add ${address} dev ${CLIENT_SIDE} nodad`),
        ...options.addresses.servers.map((address) => `address add ${address} dev out nodad`),
        ...options.clients.map((prefix) => `route add ${prefix} dev ${CLIENT_SIDE} via ${nextHop(prefix)} onlink`),
        ...[...new Set(options.clients.map(nextHop))].map(
          (address) => `neigh replace ${address} lladdr ${clientsMac} dev ${CLIENT_SIDE} nud permanent`,
        ),
        ...options.servers.map((address) => `neigh replace ${address} lladdr ${serversMac} dev out nud permanent`),
      ]);
      const argument = { barrier: BARRIER_ADDRESS, clients: inMac, servers: outMac };
      const process = world.spawn(['python3', '-c', WIRE_SCRIPT, JSON.stringify(argument)]);
      return new Wire(lab, director, await Agent.connect(process));
    } catch (error) {
      await lab.dispose();
      throw error;
    }
  }

  private constructor(lab: Lab, director: LabHost, player: Agent) {
    this.#lab = lab;
    this.director = director;
    this.#player = player;
  }

  /**
   * Sends the groups of packets to the director, each when all that came of the one before has come out, and returns
   * what came out.
   */
  async play(groups: readonly Group[], side: Arrival['side'] = 'clients'): Promise<Arrival[]> {
    const hex = groups.map(({ packets, settles = false }) => ({
      packets: packets.map((packet) => Buffer.from(packet).toString('hex')),
      settles,
    }));
    const came = await this.#player.call<[Arrival['side'], number, string][]>('play', { side, groups: hex });
    const arrivals = came.map(([side, sent, data]) => ({ side, sent, data: new Uint8Array(Buffer.from(data, 'hex')) }));
    return arrivals.filter(({ data }) => !isOfHost(data));
  }

  dispose(): Promise<void> {
    return this.#lab.dispose();
  }
}

/** An IPv6 host tells its neighbours and routers things that nobody asked for: to multicast addresses, ff00::/8. */
function isOfHost(packet: Uint8Array): boolean {
  return (packet[0] ?? 0) >> 4 === 6 && packet[24] === 0xff;
}

/** The neighbour that clients are reached by; one for each family. */
function nextHop(prefix: string): string {
  return prefix.includes(':') ? 'fe80::c' : '192.168.50.2';
}

async function macs(host: LabHost, devices: readonly string[]): Promise<string[]> {
  const { stdout } = await host.exec(['cat', ...devices.map((device) => `/sys/class/net/${device}/address`)]);
  return stdout.trim().split('\n');
}
