/** Runs a recording that has every byte through our director, and says where the two differ. */
import { asFromDevice, comparable } from './golden-comparable.js';
import type { GoldenDirector } from './golden-director.js';
import { whatArrives } from './golden-fragments.js';
import { fromHex, routed, toHex } from './packets.js';
import { describePacket, isFragment, readIp } from './packets-read.js';

export interface ByteCase {
  case: string;
  /** IP packets as the recorded director received them, hexadecimal. */
  in: string[];
  /** What it sent. */
  out: string[];
}

export interface ByteEvent {
  event: string;
  output?: string;
}

export interface ByteTrace {
  setup: string[];
  cases: (ByteCase | ByteEvent)[];
}

export interface Difference {
  /** The name of the case, or the command. */
  name: string;
  /** What was expected and what came, in several lines. */
  text: string;
  /** A line for each packet that we sent. */
  ours: string;
}

export interface Comparison {
  compared: string[];
  differences: Difference[];
}

/** A director that is sent what the recorded one was sent. */
export interface ByteDirector {
  run(command: string): void | Promise<void>;
  /** Sends the packets of a case; `recorded` is what came out then. `became` says in words what became of them. */
  send(
    received: readonly Uint8Array[],
    recorded: readonly Uint8Array[],
  ): Promise<{ sent: readonly Uint8Array[]; became: readonly string[] }>;
  /** Left out where the seconds that are left cannot be the recorded ones. */
  listConnections?(): Promise<string[]>;
}

export function offline(director: GoldenDirector): ByteDirector {
  return {
    run: (command) => director.run(command),
    listConnections: () => director.listConnections(),
    async send(received) {
      const results = received.map((packet) => director.process(routed(packet)));
      return {
        sent: results.flatMap(({ outputs }) => outputs.map(({ data }) => data)),
        became: results.flatMap(({ verdicts }) => verdicts),
      };
    },
  };
}

/**
 * The recorded director was its own router and lowered the TTL. Ours has a router in front of it, where these packets
 * end.
 */
export function diesOnTheWay(entry: ByteCase): boolean {
  return entry.in.some((hex) => (readIp(fromHex(hex))?.ttl ?? 0) <= 1);
}

/** `isLeftOut` says which cases are not even sent. */
export async function compareBytes(
  director: ByteDirector,
  trace: ByteTrace,
  isLeftOut: (name: string) => boolean,
): Promise<Comparison> {
  for (const rule of trace.setup) await director.run(rule);
  const comparison: Comparison = { compared: [], differences: [] };
  for (const entry of trace.cases) {
    const name = 'case' in entry ? entry.case : entry.event;
    if ('case' in entry && (diesOnTheWay(entry) || isLeftOut(name))) continue;
    const difference = 'case' in entry ? await caseDifference(director, entry) : await eventDifference(director, entry);
    comparison.compared.push(name);
    if (difference) comparison.differences.push({ name, ...difference });
  }
  return comparison;
}

type Found = Omit<Difference, 'name'> | undefined;

async function caseDifference(director: ByteDirector, entry: ByteCase): Promise<Found> {
  const received = entry.in.map(fromHex);
  const recorded = entry.out.map(fromHex);
  const { sent, became } = await director.send(received, recorded);
  const fragments = received.some((packet) => {
    const ip = readIp(packet);
    return ip !== undefined && isFragment(ip);
  });
  const problem = fragments
    ? arrivalDifference(whatArrives(recorded), whatArrives(sent))
    : byteDifference(comparable(recorded.map((packet) => received.reduce(asFromDevice, packet))), comparable(sent));
  if (problem === undefined) return undefined;
  const lines = [
    ...received.slice(0, 4).map((packet) => `in:       ${describePacket(packet)}`),
    ...recorded.slice(0, 6).map((packet) => `expected: ${describePacket(packet)}`),
    ...(recorded.length === 0 ? ['expected: nothing'] : []),
    ...sent.slice(0, 6).map((packet) => `got:      ${describePacket(packet)}`),
    ...(sent.length === 0 ? [`got:      nothing (${became.join(', ')})`] : []),
    problem,
  ];
  return { text: lines.join('\n'), ours: sent.map(describePacket).join('\n') };
}

function arrivalDifference(recorded: readonly string[], ours: readonly string[]): string | undefined {
  if (recorded.join('\n') === ours.join('\n')) return undefined;
  const short = (lines: readonly string[]) => lines.map((line) => line.slice(0, 160)).join('; ') || 'nothing';
  return `put together, expected ${short(recorded)}, got ${short(ours)}`;
}

function byteDifference(recorded: readonly Uint8Array[], ours: readonly Uint8Array[]): string | undefined {
  if (recorded.length !== ours.length) return `expected ${recorded.length} packets, got ${ours.length}`;
  for (const [index, expected] of recorded.entries()) {
    const got = ours[index] as Uint8Array;
    if (Buffer.compare(expected, got) === 0) continue;
    const length = Math.max(expected.length, got.length);
    const at = Array.from({ length }, (_, byte) => byte).find((byte) => expected[byte] !== got[byte]) ?? 0;
    const around = (bytes: Uint8Array) => toHex(bytes.slice(at & ~3, (at & ~3) + 16)) || 'the end';
    return `packet ${index} differs from byte ${at} on: from ${at & ~3}, expected ${around(expected)}, got ${around(got)}`;
  }
  return undefined;
}

async function eventDifference(director: ByteDirector, { event, output }: ByteEvent): Promise<Found> {
  const [, pattern] = /^ipvsadm -Lnc \| grep (\S+)$/.exec(event) ?? [];
  if (pattern !== undefined) {
    if (director.listConnections === undefined) return undefined;
    const lines = (await director.listConnections()).filter((line) => line.includes(pattern));
    const listed = lines.map((line) => `${line}\n`).join('');
    const text = `expected: ${output}got:      ${listed || 'nothing\n'}`;
    return listed === output ? undefined : { text, ours: listed };
  }
  for (const command of event.split('&&')) {
    // The recorded director knew its routes; ours knows the path MTUs that packets show.
    if (!/^\s*ip (-6 )?route get /.test(command)) await director.run(command.trim());
  }
  return undefined;
}
