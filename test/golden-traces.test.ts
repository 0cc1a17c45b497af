import { strict as assert } from 'node:assert';
import { readdirSync } from 'node:fs';
import { native } from '../lib/native.js';
import { RulesError } from '../lib/rules/errors.js';
import { parseRules } from '../lib/rules/parse-rules.js';
import { golden, readGoldenJson } from './support/golden.js';
import { GoldenDirector, type Outcome } from './support/golden-director.js';
import { tcp, udp } from './support/packets.js';

interface PacketRow {
  proto: 'tcp' | 'udp';
  src: string;
  sport: number;
  dst: string;
  dport: number;
  flags?: string;
  /** The outer destination. */
  chosen: string | null;
  /** What the director's host answered. */
  reply?: string;
}

interface ServerSnapshot {
  address: string;
  port: number;
  weight: number;
  active: number;
  inactive: number;
}

interface Trace {
  service: string;
  sysctl: Record<string, number>;
  ipvsadm: string[];
  packets: (PacketRow | { event: string } | { snapshot: ServerSnapshot[] })[];
}

/** Traces of what is not built yet; a test holds each of them to being refused. */
const LATER: Record<string, string> = {
  'rr-persist.json': 'persistence is not built yet',
  'rr-persist-udp.json': 'persistence is not built yet',
  'rr-persist-fwmark.json': 'persistence is not built yet',
  'rr-persist-port0-and-80.json': 'persistence is not built yet',
  'wrr-persist.json': 'persistence is not built yet',
  'wlc-persist-mask255_255_255_0.json': 'persistence is not built yet',
  'rr-fwmark-1_0_2.json': 'services by firewall mark are not built yet',
  'rr-fwmark-5_3_2.json': 'services by firewall mark are not built yet',
  'rr-ops-1_1_1.json': 'one-packet scheduling is not built yet',
  'rr-ops-5_3_2.json': 'one-packet scheduling is not built yet',
  'conn-scheduler-change.json': 'the scheduler sh is not built yet',
};

const traces = readdirSync(golden).filter((file) => /^(rr|wrr|lc|wlc|conn)-.*\.json$/.test(file));

describe('a trace of IPVS', () => {
  for (const file of traces) {
    const trace = readGoldenJson(file) as Trace;
    if (LATER[file] === undefined) it(`${file} is followed, packet by packet`, () => follow(trace));
    else it(`${file} is left out, since ${LATER[file]}`, () => assert.throws(() => understand(trace), RulesError));
  }
});

async function follow(trace: Trace): Promise<void> {
  await using director = new GoldenDirector();
  for (const [name, value] of Object.entries(trace.sysctl)) director.run(`sysctl net.ipv4.vs.${name}=${value}`);
  for (const rule of trace.ipvsadm) director.run(rule);
  for (const [index, row] of trace.packets.entries()) {
    if ('event' in row) director.run(row.event);
    else if ('snapshot' in row)
      assert.deepEqual(snapshot(director, trace.service), row.snapshot, `snapshot in row ${index}`);
    else assert.deepEqual(director.outcome(packetOf(row)), outcomeOf(row), `row ${index}: ${JSON.stringify(row)}`);
  }
}

function outcomeOf({ chosen, reply }: PacketRow): Outcome {
  return reply === undefined ? { chosen } : { chosen, reply };
}

function packetOf({ proto, src, sport, dst, dport, flags = '' }: PacketRow): Uint8Array {
  const ends = { from: `${src}:${sport}`, to: `${dst}:${dport}` };
  return proto === 'tcp' ? tcp({ ...ends, flags }) : udp({ ...ends, payload: 'datagram' });
}

/** `service`: `-t 192.168.50.100:80`. */
function snapshot(director: GoldenDirector, service: string): ServerSnapshot[] {
  const [, letter, address, port] = /^-([tu]) ([\d.]+):(\d+)$/.exec(service) ?? [];
  const protocol = letter === 'u' ? 'udp' : 'tcp';
  const found = director.offline
    .stats()
    .services.find((row) => row.protocol === protocol && row.address === address && row.port === Number(port));
  return (found?.servers ?? []).map((server) => ({
    address: server.address,
    port: server.port,
    weight: server.weight,
    active: server.activeConnections,
    inactive: server.inactiveConnections,
  }));
}

function understand(trace: Trace): void {
  const events = trace.packets.flatMap((row) => ('event' in row && !row.event.startsWith('sleep') ? [row.event] : []));
  parseRules([...trace.ipvsadm, ...events].join('\n'), { file: 'golden', support: native, isTimed: false });
}
