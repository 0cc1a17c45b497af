/** The recordings of what IPVS chose: their rows, and the packets that the rows stand for. */
import { readdirSync } from 'node:fs';
import { native } from '../../lib/native/addon.js';
import { golden } from './golden.js';
import type { Outcome } from './golden-director.js';
import { tcp, udp } from './packets.js';

export interface PacketRow {
  proto: 'tcp' | 'udp';
  src: string;
  sport: number;
  dst: string;
  dport: number;
  flags?: string;
  /** The outer destination, or the new one of a packet that was rewritten. */
  chosen: string | null;
  /** What the director's host answered. */
  reply?: string;
}

export interface ServerSnapshot {
  address: string;
  port: number;
  weight: number;
  active: number;
  inactive: number;
}

export type TraceRow = PacketRow | { event: string } | { snapshot: ServerSnapshot[] };

export interface Trace {
  service: string;
  sysctl: Record<string, number>;
  ipvsadm: string[];
  /** Where the scheduler is random, the recording has the number of connections of each real server, not packets. */
  flows?: number;
  distribution?: Record<string, number>;
  packets: TraceRow[];
}

/** The names of the recordings in test/golden. */
export const traceFiles: readonly string[] = readdirSync(golden).filter(
  (file) =>
    native.schedulers.some((name) => new RegExp(`^${name}[+-].*\\.json$`).test(file)) ||
    /^(?:conn-.*|nat-rr)\.json$/.test(file),
);

/** What is run before the first packet. */
export function beginning({ sysctl, ipvsadm }: Trace): string[] {
  return [...Object.entries(sysctl).map(([name, value]) => `sysctl net.ipv4.vs.${name}=${value}`), ...ipvsadm];
}

export function outcomeOf({ chosen, reply }: PacketRow): Outcome {
  return reply === undefined ? { chosen } : { chosen, reply };
}

export function packetOf({ proto, src, sport, dst, dport, flags = '' }: PacketRow, id?: number): Uint8Array {
  const ends = { from: `${src}:${sport}`, to: `${dst}:${dport}`, id };
  return proto === 'tcp' ? tcp({ ...ends, flags }) : udp({ ...ends, payload: 'datagram' });
}
