import { strict as assert } from 'node:assert';
import { readGoldenJson } from './support/golden.js';
import { GoldenDirector } from './support/golden-director.js';
import { tcp, udp } from './support/packets.js';
import { sctp } from './support/packets-sctp.js';

interface Entry {
  state: string;
  expires: number;
  server: string;
}

interface Step {
  flags?: string;
  /** For SCTP. */
  chunk?: string;
  datagram?: number;
  /** Seconds. */
  wait?: number;
  forwarded_to?: string | null;
  /** What the director's host answered. */
  reply?: string;
  entries: Entry[];
  active: number;
  inactive: number;
}

/** Seconds after the last packet, [state, seconds left] of each entry, [active, inactive]. */
type Moment = [number, [string, number][], [number, number]];

interface Sequence {
  sequence: string[];
  entries: [string, number][];
}

interface TcpStates {
  scenarios: { scenario: string; steps: Step[] }[];
  exhaustive: Sequence[];
  exhaustive_secure_tcp: Sequence[];
  exhaustive_conn_reuse_mode0: Sequence[];
  expiry: { sequence: string[]; set: string; timeline: Moment[] }[];
}

const CLIENT = '172.16.5.9';
const WEB = ['-A -t 192.168.50.100:80 -s rr', '-a -t 192.168.50.100:80 -r 10.0.0.11:80 -i'];
const SIGNALLING = ['-A --sctp-service 192.168.50.100:9 -s rr', '-a --sctp-service 192.168.50.100:9 -r 10.0.0.11:9 -i'];
const DNS = ['-A -u 192.168.50.100:53 -s rr', '-a -u 192.168.50.100:53 -r 10.0.0.11:53 -i'];

const segment = (clientPort: number, flags: string) =>
  tcp({ from: `${CLIENT}:${clientPort}`, to: '192.168.50.100:80', flags });
const datagram = (clientPort: number) =>
  udp({ from: `${CLIENT}:${clientPort}`, to: '192.168.50.100:53', payload: 'datagram' });

function association(clientPort: number, chunk: string): Uint8Array {
  const ends = { from: `${CLIENT}:${clientPort}`, to: '192.168.50.100:9' };
  const [, chunks] = /^(.*) with a bad checksum$/.exec(chunk) ?? [];
  return chunks === undefined ? sctp({ ...ends, chunks: chunk }) : sctp({ ...ends, chunks, crc: 0xbadbad });
}

function packetOf(clientPort: number, { flags, chunk }: Step): Uint8Array {
  if (chunk !== undefined) return association(clientPort, chunk);
  return flags === undefined ? datagram(clientPort) : segment(clientPort, flags);
}

function directorWith(rules: readonly string[]): GoldenDirector {
  const director = new GoldenDirector();
  for (const rule of rules) director.run(rule);
  return director;
}

function counts(director: GoldenDirector): [number, number] {
  const server = director.offline.stats().services[0]?.servers[0];
  assert.ok(server);
  return [server.activeConnections, server.inactiveConnections];
}

/** `isClose` says whether our seconds left are near enough to the recorded ones. */
async function followSteps(
  director: GoldenDirector,
  clientPort: number,
  steps: readonly Step[],
  isClose = (ours: number, recorded: number) => ours === recorded,
): Promise<void> {
  for (const [index, step] of steps.entries()) {
    const { wait, entries, active, inactive, forwarded_to: chosen = null, reply } = step;
    const at = `step ${index}: ${JSON.stringify(step)}`;
    if (wait !== undefined) {
      director.sleep(wait);
    } else {
      const outcome = director.outcome(packetOf(clientPort, step));
      assert.deepEqual(outcome, reply === undefined ? { chosen } : { chosen, reply }, at);
    }
    const found = await director.connectionsOf(clientPort);
    const expected = entries.map(({ state, expires, server }, entry) => {
      const ours = found[entry]?.expires ?? Number.NaN;
      return { state, expires: isClose(ours, expires) ? ours : expires, server };
    });
    assert.deepEqual(found, expected, at);
    assert.deepEqual(counts(director), [active, inactive], at);
  }
}

async function followTimeline(
  director: GoldenDirector,
  clientPort: number,
  timeline: readonly Moment[],
): Promise<void> {
  let passed = 0;
  for (const [seconds, entries, expectedCounts] of timeline) {
    // They were recorded in tenths; connectionsOf() looks a tenth later.
    director.sleep(seconds - passed);
    passed = seconds + 0.1;
    const found = (await director.connectionsOf(clientPort)).map(({ state, expires }) => [state, expires]);
    assert.deepEqual(found, entries, `after ${seconds} s`);
    assert.deepEqual(counts(director), expectedCounts, `after ${seconds} s`);
  }
}

const tcpStates = readGoldenJson('tcp-states.json') as TcpStates;
const isAfterSet = ({ scenario }: { scenario: string }) => scenario.startsWith('after ipvsadm --set');

describe('the states of TCP', () => {
  for (const { scenario, steps } of tcpStates.scenarios.filter((entry) => !isAfterSet(entry))) {
    it(`are IPVS's: ${scenario}`, async () => {
      await using director = directorWith(WEB);
      await followSteps(director, 1024, steps);
    });
  }

  it("have IPVS's timeouts when they are set", async () => {
    await using director = directorWith(WEB);
    const scenarios = tcpStates.scenarios.filter(isAfterSet);
    assert.equal(scenarios.length, 4);
    for (const [index, { scenario, steps }] of scenarios.entries()) {
      const [, command = ''] = /(--set \d+ \d+ \d+)/.exec(scenario) ?? [];
      director.run(command);
      await followSteps(director, 2000 + index, steps);
    }
  });

  for (const { sequence, set, timeline } of tcpStates.expiry) {
    it(`last as long as IPVS's after ${sequence.join(' ')}`, async () => {
      await using director = directorWith([...WEB, `--set ${set}`]);
      for (const flags of sequence) director.send(segment(1024, flags));
      await followTimeline(director, 1024, timeline);
    });
  }

  const exhaustive: [string, string[], Sequence[]][] = [
    ['by default', [], tcpStates.exhaustive],
    ['with secure_tcp', ['sysctl net.ipv4.vs.secure_tcp=3'], tcpStates.exhaustive_secure_tcp],
    ['with conn_reuse_mode 0', ['sysctl net.ipv4.vs.conn_reuse_mode=0'], tcpStates.exhaustive_conn_reuse_mode0],
  ];
  for (const [name, sysctls, sequences] of exhaustive) {
    it(`are IPVS's after each of ${sequences.length} sequences ${name}`, async () => {
      await using director = directorWith([...sysctls, ...WEB]);
      for (const [index, { sequence, entries }] of sequences.entries()) {
        const clientPort = 1024 + index;
        for (const flags of sequence)
          assert.equal(director.outcome(segment(clientPort, flags)).chosen, '10.0.0.11', sequence.join(' '));
        const found = (await director.connectionsOf(clientPort)).map(({ state, expires }) => [state, expires]);
        assert.deepEqual(found, entries, sequence.join(' '));
      }
    });
  }
});

interface UdpStates {
  scenarios: { scenario: string; steps: Step[]; timeline?: Moment[] }[];
}

describe('the state of UDP', () => {
  const { scenarios } = readGoldenJson('udp-states.json') as UdpStates;
  const [plain, shortened, onePacket] = scenarios;

  it("is IPVS's, and so is its timeout when it is set", async () => {
    assert.ok(plain && shortened?.timeline && onePacket);
    await using director = directorWith(DNS);
    await followSteps(director, 4000, plain.steps);
    director.run('--set 0 0 2');
    await followSteps(director, 4001, shortened.steps);
    await followTimeline(director, 4001, shortened.timeline);
  });

  it('of one-packet scheduling is none: nothing is remembered', async () => {
    assert.equal(onePacket?.scenario, 'udp one-packet scheduling');
    await using director = directorWith(['-A -u 192.168.50.100:53 -s rr -o', DNS[1] ?? '']);
    await followSteps(director, 4002, onePacket.steps);
  });
});

interface SctpStates {
  scenarios: { sequence: string[]; steps: Step[] }[];
}

describe('the states of SCTP', () => {
  const { scenarios } = readGoldenJson('sctp-states.json') as SctpStates;
  /** The recording's clock is a second off here and there. */
  const isClose = (ours: number, recorded: number) => Math.abs(ours - recorded) <= 1;

  for (const { sequence, steps } of scenarios) {
    it(`are IPVS's after ${sequence.join(', ')}`, async () => {
      await using director = directorWith(SIGNALLING);
      await followSteps(director, 4000, steps, isClose);
    });
  }
});
