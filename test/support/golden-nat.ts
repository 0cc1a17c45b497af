/**
 * Runs a recording of masquerading through our director: packets of clients and of real servers, what left, and what the
 * entries and the counts were afterwards.
 *
 * Connections that the recording opened before it began to write are opened here in the same way.
 */
import type { GoldenDirector } from './golden-director.js';
import { whatArrives } from './golden-fragments.js';
import { asFromDevice, comparable } from './golden-comparable.js';
import { fromHex, routed, tcp, toHex, udp } from './packets.js';
import { describePacket, isFragment, readIp } from './packets-read.js';

export interface NatEntry {
  proto: string;
  client: string;
  virtual: string;
  server: string;
  state: string;
  /** Seconds left, rounded down. */
  expires: number;
}

interface ServerCount {
  service: string;
  server: string;
  forward: string;
  weight: number;
  active: number;
  inactive: number;
}

export interface NatCase {
  case: string;
  /** IP packets as the recorded director received them, hexadecimal. */
  in: string[];
  out: string[];
  entries?: NatEntry[];
  servers?: ServerCount[];
}

export interface NatEvent {
  event: string;
  output?: string[];
}

export interface NatTrace {
  setup: string[];
  cases: (NatCase | NatEvent)[];
}

/** A connection that is there before the case or event of this name. */
export interface Opened {
  before: string;
  protocol: 'tcp' | 'udp';
  clientPort: number;
  virtualPort: number;
  /** `address:port` */
  server: string;
}

export interface NatDifference {
  name: string;
  text: string;
  ours: string;
}

const CLIENT = '172.16.5.9';
const VIP = '192.168.50.100';

export class NatReplay {
  readonly compared: string[] = [];
  readonly differences: NatDifference[] = [];
  /** All packets that left, described. */
  readonly sent: string[] = [];
  private readonly opened: Opened[];
  private comparesCounts = true;

  constructor(
    private readonly director: GoldenDirector,
    opened: readonly Opened[],
    private readonly countsUntil?: string,
  ) {
    this.opened = [...opened];
  }

  async run(trace: NatTrace, isLeftOut: (name: string) => boolean = () => false): Promise<void> {
    for (const rule of trace.setup) this.command(rule);
    for (const row of trace.cases) {
      const name = 'case' in row ? row.case : row.event;
      this.openBefore(name);
      if (isLeftOut(name)) continue;
      if ('case' in row) await this.compareCase(row);
      else this.event(row);
    }
    if (this.opened.length > 0) throw new Error(`no case is named ${this.opened.map(({ before }) => before).join()}`);
  }

  private openBefore(name: string): void {
    while (this.opened[0]?.before === name) {
      const { protocol, clientPort, virtualPort, server } = this.opened.shift() as Opened;
      const ask = { from: `${CLIENT}:${clientPort}`, to: `${VIP}:${virtualPort}` };
      const answer = { from: server, to: ask.from };
      const packets =
        protocol === 'udp'
          ? [udp(ask), udp(answer)]
          : [tcp({ ...ask, flags: 'S' }), tcp({ ...answer, flags: 'SA' }), tcp({ ...ask, flags: 'A' })];
      for (const packet of packets) this.director.send(packet);
    }
  }

  private command(command: string): void {
    for (const part of command.split('&&').map((each) => each.trim())) {
      const [, value, name] = /^echo (\d+) > \/proc\/sys\/net\/ipv4\/vs\/(\w+)$/.exec(part) ?? [];
      if (name !== undefined) this.director.run(`sysctl net.ipv4.vs.${name}=${value}`);
      else if (/^(ipvsadm|sleep) /.test(part)) this.director.run(part);
    }
  }

  private event({ event, output }: NatEvent): void {
    if (output !== undefined || /^(scenario|association)/.test(event)) return;
    this.command(event);
  }

  private async compareCase(row: NatCase): Promise<void> {
    const received = row.in.map(fromHex);
    // The recorded director was its own router. Ours has one in front of it, where these packets end.
    if (received.some((packet) => (readIp(packet)?.ttl ?? 0) <= 1)) return;
    const results = received.map((packet) => this.director.process(routed(packet)));
    const sent = results.flatMap(({ outputs }) => outputs.map(({ data }) => data));
    const became = results.flatMap(({ verdicts }) => verdicts);
    this.compared.push(row.case);
    this.sent.push(...sent.map(describePacket));
    if (row.case === this.countsUntil) this.comparesCounts = false;
    const problems = [this.packetProblem(received, row.out.map(fromHex), sent)];
    problems.push(
      await this.entryProblem(row.entries ?? []),
      this.comparesCounts ? this.countProblem(row.servers ?? []) : undefined,
    );
    const found = problems.filter((problem) => problem !== undefined);
    if (found.length === 0) return;
    const lines = [
      ...received.map((packet) => `in:       ${describePacket(packet)}`),
      ...row.out.map((packet) => `expected: ${describePacket(fromHex(packet))}`),
      ...sent.map((packet) => `got:      ${describePacket(packet)}`),
      `(${became.join(', ')})`,
      ...found,
    ];
    this.differences.push({
      name: row.case,
      text: lines.join('\n'),
      ours: [...sent.map(describePacket), ...became].join('\n'),
    });
  }

  private packetProblem(
    received: readonly Uint8Array[],
    recorded: readonly Uint8Array[],
    sent: readonly Uint8Array[],
  ): string | undefined {
    const isOfFragments = [...received, ...recorded].some((packet) => {
      const ip = readIp(packet);
      return ip !== undefined && isFragment(ip);
    });
    if (isOfFragments) {
      const [theirs, ours] = [whatArrives(recorded), whatArrives(sent)];
      return theirs.join('\n') === ours.join('\n') ? undefined : `put together, expected ${theirs}, got ${ours}`;
    }
    const expected = comparable(recorded.map((packet) => received.reduce(asFromDevice, packet)));
    const got = comparable(sent);
    if (expected.length !== got.length) return `expected ${expected.length} packets, got ${got.length}`;
    const at = expected.findIndex((packet, index) => Buffer.compare(packet, got[index] as Uint8Array) !== 0);
    if (at < 0) return undefined;
    return `packet ${at}: expected ${toHex(expected[at] as Uint8Array)}\n               got ${toHex(got[at] as Uint8Array)}`;
  }

  private async entryProblem(entries: readonly NatEntry[]): Promise<string | undefined> {
    for (const entry of entries) {
      const clientPort = Number(/:(\d+)$/.exec(entry.client)?.[1]);
      const virtualPort = Number(/:(\d+)$/.exec(entry.virtual)?.[1]);
      const found = await this.director.connectionsOf(clientPort, virtualPort);
      const ours = found.map(({ state, server }) => `${state} ${server}`).join();
      if (ours !== `${entry.state} ${entry.server}`) return `expected ${entry.state} ${entry.server}, got ${ours}`;
      const expires = found[0]?.expires ?? 0;
      // Listings take us a tenth of a second each, and entries that wait for a connection are old.
      if (Math.abs(expires - entry.expires) > (entry.state === 'LISTEN' ? 15 : 2))
        return `expected to expire in ${entry.expires} s, not ${expires} s`;
    }
    return undefined;
  }

  private countProblem(servers: readonly ServerCount[]): string | undefined {
    const write = (one: Omit<ServerCount, 'forward' | 'weight'>) =>
      `${one.service} > ${one.server} ${one.active}+${one.inactive}`;
    const ours = new Set(this.director.counts().map(write));
    // The recorded director's own host answered for this one.
    const isOurs = ({ server }: ServerCount) => !server.startsWith('10.0.0.1:');
    const missing = servers
      .filter(isOurs)
      .map(write)
      .filter((each) => !ours.has(each));
    return missing.length === 0 ? undefined : `counts: expected ${missing.join('; ')} in ${[...ours].join('; ')}`;
  }
}
