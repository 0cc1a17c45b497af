/** Every recording of ipvsadm's output, byte for byte, by the executor of a running director's commands. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { listedService } from '../../lib/rules/show.js';
import { printServiceId } from '../../lib/rules/print.js';
import { RulesSession, type SessionTarget } from '../../lib/rules/session.js';
import type { Connection } from '../../lib/stats/connections.js';
import type { Traffic } from '../../lib/stats/stats.js';
import { formatEndpoint, parseEndpoint } from '../../lib/values/inet.js';
import { callAdm } from '../support/adm.js';
import { golden, readGoldenOutput } from '../support/golden.js';
import { RECORDED_COUNTS, type RecordedListing } from '../support/golden-counts.js';
import type { GoldenCounts } from '../support/golden-services.js';

const FOLDER = join(golden, 'ipvsadm-output');
const files = readdirSync(FOLDER).filter((name) => /^(do|show|big)-/.test(name));

/** What is not compared, by the end of the command, and why. */
const NOT_COMPARED: [RegExp, reason: string][] = [
  [/^cat \/proc/, 'it is a file of the kernel'],
  [/^ipvsadm-(save|restore)/, 'the recorded machine had no such command'],
  [/^ipvsadm (-h|--help)$/, 'the help is in our own words'],
];

function isCompared(file: string): boolean {
  return !NOT_COMPARED.some(([pattern]) => pattern.test(readGoldenOutput(file).command));
}

const compared = (kind: RegExp) => files.filter((file) => kind.test(file) && isCompared(file));

/** `echo "RULES" | ipvsadm -R`, or a plain call. */
function callOf(command: string): [line: string, stdin: string] {
  const [, rules, line] = /^echo "(.*)" \| (.*)$/.exec(command) ?? [];
  return rules === undefined ? [command, ''] : [line as string, `${rules}\n`];
}

/** The recorded director had the virtual address at no interface of its own; to tunvs each one is the director's. */
const LOCAL = / {2}-> 192\.168\.50\.100:80 {12}Tunnel /;

async function assertAnswer(session: RulesSession, file: string): Promise<void> {
  const { command, text, exitStatus } = readGoldenOutput(file);
  const [line, stdin] = callOf(command);
  const answer = await callAdm(session, line, { stdin });
  const expected = text.replace(LOCAL, (row) => row.replace('Tunnel', 'Local '));
  assert.deepEqual([answer.text, answer.exit], [expected, exitStatus], command);
}

const WEB = '-t 192.168.50.100:80';

/** What was in force before the first command that was tried. */
const BEFORE = [
  `-A ${WEB} -s wlc`,
  `-a ${WEB} -r 10.0.0.11 -i -w 5`,
  `-a ${WEB} -r 10.0.0.12 -i -w 3`,
  `-a ${WEB} -r 10.0.0.13 -i -w 0`,
];

/** Commands between the recorded ones, as later listings show them, by the number of the recording before. */
const BETWEEN: Record<string, string[]> = {
  'do-06': ['-D -u 192.168.50.100:54'],
  'do-17': [`-a ${WEB} -r 10.0.0.99 -g`],
  'do-19': [`-a ${WEB} -r 10.0.0.97 -w 2147483647 -i`],
  'do-24': ['-A -u 192.168.50.100:86 -s rr -o'],
  'do-26': ['-A -f 2 -s rr'],
  'do-29': ['-A -t 192.168.50.100:89 -s rr -b flag-1,flag-3'],
  'do-31': ['-A -t 192.168.50.100:91 -s rr'],
  'do-57': [`-a ${WEB} -r 10.0.0.1 -i`],
  'do-61': [`-a ${WEB} -r 10.0.0.93 -i`],
};

describe("ipvsadm's recorded commands", () => {
  let director: OfflineDirector;
  let session: RulesSession;

  before(async () => {
    director = Director.offline({ source: ['10.2.0.2', '2001:db8:2::2'], maxConnections: 1024 });
    session = new RulesSession(director);
    for (const line of BEFORE) assert.deepEqual((await callAdm(session, line)).exit, 0, line);
  });
  after(() => director.close());

  for (const file of compared(/^do-/)) {
    it(`are answered as recorded: ${readGoldenOutput(file).command}`, async () => {
      await assertAnswer(session, file);
      for (const line of BETWEEN[file.slice(0, 5)] ?? [])
        assert.deepEqual([line, (await callAdm(session, line)).exit], [line, 0]);
    });
  }
});

describe("ipvsadm's recorded listings", () => {
  let director: OfflineDirector;

  before(async () => {
    director = Director.offline({ source: ['10.2.0.2', '2001:db8:2::2'], maxConnections: 1024 });
    const stdin = readFileSync(join(FOLDER, '00-config.txt'), 'utf8');
    const { text, exit } = await callAdm(new RulesSession(director), '-R', { stdin });
    assert.deepEqual([text, exit], ['', 0]);
  });
  after(() => director.close());

  for (const file of compared(/^(show|big)-/)) {
    it(`are printed as recorded: ${readGoldenOutput(file).command} (${file.slice(0, 7)})`, async () => {
      await assertAnswer(new RulesSession(recordedState(director, listingOf(file))), file);
    });
  }

  it('are all compared but those that have a reason', () => {
    const left = files.filter((file) => !isCompared(file));
    assert.deepEqual(
      left.filter((file) => file.startsWith('do-')),
      [],
    );
    assert.ok(files.length - left.length >= 46, String(files.length - left.length));
  });
});

function listingOf(file: string): RecordedListing {
  const { command } = readGoldenOutput(file);
  if (file.startsWith('big-')) return command.includes('--rate') ? 'bigRates' : 'bigTotals';
  return command.includes('--rate') ? 'rates' : 'plain';
}

/**
 * The director, with the counts of the recorded kernel: the traffic of those connections cannot be had again, nor the
 * order of the kernel's table, nor the moment of its estimator.
 */
function recordedState(director: OfflineDirector, listing: RecordedListing): SessionTarget {
  const counts = RECORDED_COUNTS[listing];
  const stats = director.stats();
  const services = stats.services.map((service) => {
    const name = printServiceId(listedService(service).id);
    const servers = service.servers.map((server) => {
      const count = counts[`${name} ${formatEndpoint(server)}`];
      const connections = { activeConnections: count?.active ?? 0, inactiveConnections: count?.inactive ?? 0 };
      return { ...server, ...connections, ...trafficOf(count) };
    });
    return { ...service, ...trafficOf(counts[name]), servers };
  });
  return {
    transaction: (body) => director.transaction(body),
    timeouts: director.timeouts,
    setTimeouts: (timeouts) => director.setTimeouts(timeouts),
    sysctls: director.sysctls,
    setSysctl: (name, value) => director.setSysctl(name, value),
    marks: director.marks,
    stats: () => ({ ...stats, services }),
    connections: recordedConnections,
    sync: director.sync,
    startSync: (options) => director.startSync(options),
    stopSync: (role) => director.stopSync(role),
  };
}

function trafficOf(count: GoldenCounts | undefined): { totals: Traffic; estimatedRates: Traffic } {
  const [connections, inPackets, outPackets, inBytes, outBytes] = (count?.traffic ?? [0, 0, 0, 0, 0]).map(BigInt);
  const totals = { connections, inPackets, outPackets, inBytes, outBytes } as Traffic;
  return { totals, estimatedRates: totals };
}

/** The rows of the recorded `-Lnc`, in its order. */
async function* recordedConnections(): AsyncGenerator<Connection> {
  const file = files.find((name) => readGoldenOutput(name).command === 'ipvsadm -Lnc') as string;
  for (const line of readGoldenOutput(file).text.split('\n').slice(2, -1)) {
    const [protocol = '', expires = '', state = '', ...endpoints] = line.split(/\s+/);
    const [client, virtual, server] = endpoints.map((text) => parseEndpoint(text) as { address: string; port: number });
    const [minutes = 0, seconds = 0] = expires.split(':').map(Number);
    yield {
      kind: client?.port === 0 ? 'template' : 'connection',
      protocol: protocol.toLowerCase(),
      clientAddress: client?.address,
      clientPort: client?.port,
      virtualAddress: virtual?.address,
      virtualPort: virtual?.port,
      serverAddress: server?.address,
      serverPort: server?.port,
      state,
      expiresMs: (minutes * 60 + seconds) * 1000,
      active: state === 'ESTABLISHED',
      controlled: 0,
    } as Connection;
  }
}
