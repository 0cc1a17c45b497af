/**
 * The lab in which tunvs stands beside its peers. What servers answer may go back by the director or past it; the
 * server chooses by the virtual address, which is each peer's own.
 *
 *     client 10.1.0.2 ─── 10.1.0.1 director 10.2.0.1 ─── 10.2.0.11, 10.2.0.12 server
 *            10.3.0.2 ───────────── what goes past the director ───── 10.3.0.1
 *
 * Links carry frames as a wire does, unless `wire` is `segments`: then a sender passes on segments of up to 64 KiB, as
 * if each card cut and merged them at no cost.
 */
import { readFileSync, readdirSync } from 'node:fs';
import type { Lab } from '../../../lib/lab/lab.js';
import type { LabHost } from '../../../lib/lab/lab-host.js';

export type Wire = 'frames' | 'segments';

export interface Stage {
  lab: Lab;
  client: LabHost;
  director: LabHost;
  server: LabHost;
  /** The kernel's threads that receive what comes to the director; none for `segments`. */
  receivers: number[];
  /** The same for what comes to the server by the tunnels. */
  serverReceivers: number[];
}

export const DIRECTOR_SOURCE = '10.2.0.1';
export const SERVERS = ['10.2.0.11', '10.2.0.12'] as const;
export const WEB_PORT = 80;
/** The director's devices have names of this process's own, which the kernel's threads bear. */
const suffix = process.pid.toString(36);
export const CLIENT_SIDE = `in-${suffix}`;
export const SERVER_SIDE = `out-${suffix}`;
const SERVER_DEVICE = `rs-${suffix}`;
/** The server's answers from a virtual address that is in this table go past the director. */
const PAST_DIRECTOR = 100;
/** Longer packets would not fit through a tunnel: GUE's headers are the longest, of 32 bytes. Every peer gets the same. */
const PATH_MTU = 1468;
/** What comes within this time is received together, as by a card that coalesces its interrupts. */
const COALESCE_NS = 50_000;

export function virtualAddress(index: number): string {
  return `10.9.9.${index + 1}`;
}

/** REQUIRES: `lab` is new. */
export async function buildStage(lab: Lab, wire: Wire): Promise<Stage> {
  const [client, director, server] = await Promise.all(['client', 'director', 'server'].map((n) => lab.addHost(n)));
  if (!client || !director || !server) throw new Error('the lab has three hosts');
  for (const host of [client, director, server]) {
    await host.setSysctls({
      'net/ipv4/conf/all/rp_filter': '0',
      'net/ipv4/conf/default/rp_filter': '0',
      'net/ipv4/ip_local_port_range': '1024 65535',
      'net/ipv4/tcp_tw_reuse': '1',
    });
  }
  // To the server, a client is the same one by each peer that rewrites packets. What it remembers of a connection by one
  // would refuse the next from that port by another, whose timestamps and numbers begin elsewhere.
  await server.setSysctls({ 'net/ipv4/tcp_max_tw_buckets': '0' });
  await director.setSysctls({ 'net/ipv4/ip_forward': '1', 'net/ipv4/conf/all/send_redirects': '0' });
  lab.connect(client, 'eth0', director, CLIENT_SIDE);
  lab.connect(director, SERVER_SIDE, server, SERVER_DEVICE);
  lab.connect(server, 'back', client, 'back');
  const ends: [LabHost, string][] = [
    ...([
      [client, 'eth0'],
      [client, 'back'],
      [server, SERVER_DEVICE],
      [server, 'back'],
    ] as [LabHost, string][]),
    [director, CLIENT_SIDE],
    [director, SERVER_SIDE],
  ];
  if (wire === 'frames') for (const [host, device] of ends) await makeFrames(host, device);
  client.ip([
    'address add 10.1.0.2/24 dev eth0',
    'address add 10.3.0.2/24 dev back',
    `route add 10.9.9.0/24 via 10.1.0.1 mtu lock ${PATH_MTU}`,
  ]);
  director.ip([`address add 10.1.0.1/24 dev ${CLIENT_SIDE}`, `address add ${DIRECTOR_SOURCE}/24 dev ${SERVER_SIDE}`]);
  server.ip([
    ...SERVERS.map((address) => `address add ${address}/24 dev ${SERVER_DEVICE}`),
    'address add 10.3.0.1/24 dev back',
    `route add 10.1.0.0/24 via ${DIRECTOR_SOURCE}`,
    `route add 10.1.0.0/24 via 10.3.0.2 table ${PAST_DIRECTOR}`,
  ]);
  const threads = (...devices: string[]) => (wire === 'frames' ? receivers(devices) : []);
  return {
    ...{ lab, client, director, server },
    ...{ receivers: threads(CLIENT_SIDE, SERVER_SIDE), serverReceivers: threads(SERVER_DEVICE) },
  };
}

/** Lets the server's answers from `address` go straight to the client. */
export function answerPastDirector({ server }: Stage, address: string): void {
  server.ip([`rule add from ${address} lookup ${PAST_DIRECTOR}`]);
}

/**
 * Makes a veth device behave as a network card: it sends frames of at most its MTU, what it cannot pass on yet waits in
 * a queue, and a thread of the kernel's own receives for it, so that what a host receives costs the host and not the
 * sender.
 */
async function makeFrames(host: LabHost, device: string): Promise<void> {
  await host.exec(['ethtool', '-K', device, 'tso', 'off', 'gro', 'on']);
  await host.exec(['tc', 'qdisc', 'replace', 'dev', device, 'root', 'pfifo', 'limit', '10000']);
  const settings = { napi_defer_hard_irqs: 1, gro_flush_timeout: COALESCE_NS, threaded: 1 };
  const lines = Object.entries(settings).map(([name, value]) => `echo ${value} > /sys/class/net/${device}/${name}`);
  await host.exec(['sh', '-ec', lines.join('\n')]);
}

/** Finds the kernel's threads of these devices: `napi/DEVICE-NUMBER`. */
function receivers(devices: readonly string[]): number[] {
  const wanted = devices.map((device) => `napi/${device}-`);
  const found = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .filter((pid) => wanted.some((prefix) => commandOf(pid).startsWith(prefix)))
    .map(Number);
  if (found.length < wanted.length)
    throw new Error("the kernel's threads napi/* cannot be seen: run the trial outside of a PID namespace of its own");
  return found;
}

function commandOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/comm`, 'utf8');
  } catch {
    // The process is gone.
    return '';
  }
}
