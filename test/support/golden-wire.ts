/** Plays a recording of what IPVS chose through a director on a device, and says what became of each packet. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastPathChoice, DirectorStats } from '../../lib/index.js';
import { Agent } from '../../lib/lab/agent.js';
import type { Outcome } from './golden-director.js';
import { beginning, type PacketRow, packetOf, type ServerSnapshot, type Trace, type TraceRow } from './golden-trace.js';
import { IP_PROTOCOLS, type IpPacket, kindOf, readIp, readTunnel } from './packets-read.js';
import { type Arrival, BARRIER_RULES, barrierChange, CLIENT_SIDE, type Group, isBarrier, Wire } from './wire.js';

export const MODES = ['off', 'egress', `ingress:${CLIENT_SIDE}`] as const satisfies FastPathChoice[];
export type Mode = (typeof MODES)[number];

const DEVICE = 'tunvs0';
/** What recordings of no service at all ask for is routed to the device as well. */
const VIRTUAL_ADDRESSES = '192.168.50.96/28';
/** How many plain packets follow when a connection is established: one by one until it is handed over, then at once. */
const MORE = [1, 1, 1, 9];

/** What a director has counted of a service or of a server of one. */
export interface Counted {
  name: string;
  connections: number;
  inPackets: number;
  inBytes: number;
  active?: number;
  inactive?: number;
}

export interface Played {
  /** By row of the recording: for a packet what became of it, for a snapshot what there was. */
  rows: (Outcome | ServerSnapshot[] | undefined)[];
  /** Further packets of established connections, by row: their servers, each once. */
  more: { row: number; chosen: (string | null)[] }[];
  counted: Counted[];
  /** Packets that the program in the kernel sent on. */
  fast: number;
  /** How many further packets there were. */
  furtherPackets: number;
}

export class GoldenWire {
  readonly #wire: Wire;
  readonly #agent: Agent;
  readonly #mode: Mode;
  #changes = 0;

  static async open(mode: Mode): Promise<GoldenWire> {
    const wire = await Wire.open({
      addresses: { clients: ['192.168.50.1/24'], servers: ['10.0.0.1/24'] },
      clients: ['172.16.0.0/12'],
      servers: Array.from({ length: 40 }, (_, index) => `10.0.0.${11 + index}`),
    });
    const program = wire.director.node(new URL('./programs/rules-agent.js', import.meta.url));
    return new GoldenWire(wire, await Agent.connect(program), mode);
  }

  private constructor(wire: Wire, agent: Agent, mode: Mode) {
    this.#wire = wire;
    this.#agent = agent;
    this.#mode = mode;
  }

  /** A dozen plain packets follow where a connection is established, in every second connection. */
  async play(trace: Trace): Promise<Played> {
    await this.#agent.call('open', {
      source: '10.0.0.1',
      egress: 'packet',
      fastPath: this.#mode,
      maxConnections: 16_384,
      device: { name: DEVICE, queues: 1 },
      marks: [{ mark: 1, destination: '192.168.60.0/24' }],
    });
    try {
      this.#wire.director.ip([`route add ${VIRTUAL_ADDRESSES} dev ${DEVICE}`]);
      await this.#run([...BARRIER_RULES, ...beginning(trace)]);
      const rows: Played['rows'] = [];
      const more: Played['more'] = [];
      const established = new Established(trace);
      for (const part of parts(playable(trace))) {
        if ('pauseSeconds' in part) await sleep(part.pauseSeconds * 1000);
        else if ('event' in part) await this.#run([part.event]);
        else if ('snapshot' in part) rows[part.row] = snapshot(await this.#stats());
        else await this.#send(part.packets, established, rows, more);
      }
      const stats = await this.#stats();
      const furtherPackets = more.reduce((sum, { chosen }) => sum + chosen.length, 0);
      return {
        rows,
        more: more.map(once),
        counted: counted(stats),
        fast: Number(stats.counters.fastForwarded),
        furtherPackets,
      };
    } finally {
      await this.#agent.call('close');
    }
  }

  async #send(
    packets: readonly Numbered[],
    established: Established,
    rows: Played['rows'],
    more: Played['more'],
  ): Promise<void> {
    const groups: Group[] = [];
    const sent: Sent[] = [];
    const add = (group: Sent[]) => {
      const built = group.map(({ packet }, index) => packetOf(packet, sent.length + index));
      groups.push({ packets: built, settles: group[0]?.isMore });
      sent.push(...group);
    };
    for (const { row, packet } of packets) {
      add([{ row, packet, isMore: false }]);
      const further = established.after(packet);
      if (further === undefined) continue;
      for (const count of MORE) add(Array.from({ length: count }, () => ({ row, packet: further, isMore: true })));
    }
    const outcomes = outcomesOf(sent, await inTurn(() => this.#wire.play(groups)));
    const furtherOf = new Map<number, (string | null)[]>();
    for (const [index, { row, isMore }] of sent.entries()) {
      const outcome = outcomes[index] as Outcome;
      if (!isMore) rows[row] = outcome;
      else furtherOf.set(row, [...(furtherOf.get(row) ?? []), outcome.chosen]);
    }
    for (const [row, chosen] of furtherOf) more.push({ row, chosen });
  }

  /**
   * The program in the kernel learns of a new server's link address within a quarter of a second, or at the next change
   * of any server: so another change follows.
   */
  #run(rules: readonly string[]): Promise<void> {
    this.#changes += 1;
    return this.#agent.call('run', { rules, afterwards: barrierChange(this.#changes) });
  }

  #stats(): Promise<PlainStats> {
    return this.#agent.call('stats');
  }

  close(): Promise<void> {
    return this.#wire.dispose();
  }
}

let turn: Promise<unknown> = Promise.resolve();

/** Only one wire is busy at a time: a worker that has to wait for a CPU hands connections over later. */
function inTurn<Result>(run: () => Promise<Result>): Promise<Result> {
  const mine = turn.then(run, run);
  turn = mine;
  return mine;
}

/** As JSON carries them: totals are numbers. */
type PlainStats = Pick<DirectorStats, 'services' | 'counters'>;

interface Numbered {
  row: number;
  packet: PacketRow;
}

interface Sent extends Numbered {
  isMore: boolean;
}

/**
 * Leaves out what follows the deletion of the last service: IPVS is off then, and answers nothing. Here the service of
 * the barrier remains.
 */
export function playable({ packets }: Trace): TraceRow[] {
  const end = packets.findIndex((row) => 'event' in row && row.event.startsWith('ipvsadm -D '));
  return end < 0 ? packets : packets.slice(0, end);
}

export const isPause = (row: TraceRow) => 'event' in row && row.event.startsWith('sleep ');

/** `ipvsadm ...`, `sysctl ...` or `sleep SECONDS`. */
function pauseOf(event: string): { event: string } | { pauseSeconds: number } {
  const [, seconds] = /^sleep ([\d.]+)$/.exec(event) ?? [];
  return seconds === undefined ? { event } : { pauseSeconds: Number(seconds) };
}

/** Joins packets that nothing comes between. */
function parts(
  rows: readonly TraceRow[],
): ({ row: number } & ({ event: string } | { pauseSeconds: number } | { snapshot: true } | { packets: Numbered[] }))[] {
  const joined: ReturnType<typeof parts> = [];
  for (const [row, each] of rows.entries()) {
    const last = joined.at(-1);
    if ('event' in each) joined.push({ row, ...pauseOf(each.event) });
    else if ('snapshot' in each) joined.push({ row, snapshot: true });
    else if (last !== undefined && 'packets' in last) last.packets.push({ row, packet: each });
    else joined.push({ row, packets: [{ row, packet: each }] });
  }
  return joined;
}

/**
 * Knows by the recording when a connection is established: by a client's first ACK after its SYN, both to the same
 * server; one of UDP is by its first packet, unless every packet is scheduled by itself.
 */
class Established {
  readonly #opened = new Map<string, string>();
  readonly #isOnePacket: boolean;
  #count = 0;

  constructor({ ipvsadm }: Trace) {
    this.#isOnePacket = ipvsadm.some((rule) => / (-o|--ops)( |$)/.test(rule));
  }

  /** Returns the packet that is to follow, where `packet` has established every second connection. */
  after(packet: PacketRow): PacketRow | undefined {
    if (!this.#establishes(packet)) return undefined;
    this.#count += 1;
    return this.#count % 2 === 1 ? packet : undefined;
  }

  #establishes({ proto, src, sport, dst, dport, flags, chosen }: PacketRow): boolean {
    const flow = [proto, src, sport, dst, dport].join(' ');
    const opener = this.#opened.get(flow);
    if (proto === 'tcp') this.#opened.delete(flow);
    const opens = proto === 'tcp' ? flags === 'S' : opener === undefined && !this.#isOnePacket;
    if (opens && chosen !== null) this.#opened.set(flow, chosen);
    if (proto === 'udp') return opens && chosen !== null;
    return flags === 'A' && chosen !== null && opener === chosen;
  }
}

/** Says what became of each packet; what came out names it by its id, or as an answer to the newest of its flow. */
function outcomesOf(sent: readonly Sent[], arrivals: readonly Arrival[]): Outcome[] {
  const found: Outcome[][] = sent.map(() => []);
  for (const arrival of arrivals) {
    const packet = readIp(arrival.data);
    const index = packet && indexOf(packet, arrival, sent);
    const at = index === undefined ? undefined : found[index];
    if (packet === undefined || at === undefined) throw new Error(`nobody asked for ${packet && kindOf(packet)}`);
    at.push(arrival.side === 'servers' ? { chosen: packet.destination } : { chosen: null, reply: kindOf(packet) });
  }
  return found.map((outcomes, index) => {
    if (outcomes.length > 1) throw new Error(`packet ${index} came out as ${JSON.stringify(outcomes)}`);
    return outcomes[0] ?? { chosen: null };
  });
}

function indexOf(packet: IpPacket, { side, sent: before }: Arrival, sent: readonly Sent[]): number | undefined {
  const inner = readTunnel(packet)?.inner ?? (packet.protocol === IP_PROTOCOLS.icmp && packet.payload.slice(8));
  if (inner) return readIp(inner)?.id;
  if (side === 'servers') return packet.id;
  const { payload, source, destination } = packet;
  const view = new DataView(payload.buffer, payload.byteOffset);
  const [dport, sport] = [view.getUint16(0), view.getUint16(2)];
  const index = sent
    .slice(0, before)
    .findLastIndex(
      ({ packet: { dst, src, ...asked } }) =>
        dst === source && src === destination && asked.sport === sport && asked.dport === dport,
    );
  return index < 0 ? undefined : index;
}

/** Returns the servers of all services in the order of adding. */
function snapshot({ services }: PlainStats): ServerSnapshot[] {
  return services
    .filter((service) => !isBarrier(service))
    .flatMap(({ servers }) =>
      servers.map(({ address, port, weight, activeConnections, inactiveConnections }) => ({
        address,
        port,
        weight,
        active: activeConnections,
        inactive: inactiveConnections,
      })),
    );
}

function counted({ services }: PlainStats): Counted[] {
  return services
    .filter((service) => !isBarrier(service))
    .flatMap(({ protocol, address, port, mark, totals, servers }) => {
      const service = mark === undefined ? `${protocol} ${address}:${port}` : `mark ${mark}`;
      return [
        { name: service, ...traffic(totals) },
        ...servers.map((server) => ({
          name: `${service} to ${server.address}:${server.port}`,
          ...traffic(server.totals),
          active: server.activeConnections,
          inactive: server.inactiveConnections,
        })),
      ];
    });
}

function traffic({ connections, inPackets, inBytes }: PlainStats['services'][number]['totals']) {
  return { connections: Number(connections), inPackets: Number(inPackets), inBytes: Number(inBytes) };
}

function once({ row, chosen }: Played['more'][number]): Played['more'][number] {
  return { row, chosen: [...new Set(chosen)] };
}
