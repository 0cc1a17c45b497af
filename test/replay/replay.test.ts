import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replay } from '../../lib/cli/verbs/replay.js';
import { type CliResult, cli } from '../support/cli.js';
import { icmp, patch, readOuter, tcp, udp } from '../support/packets.js';
import { describePacket } from '../support/packets-read.js';
import { sctp } from '../support/packets-sctp.js';
import { LINKTYPE_ETHERNET, LINKTYPE_RAW, readPcap, type StampedPacket, writePcap } from '../support/pcap.js';

const WEB = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11 -i
-a -t 192.0.2.1:80 -r 10.0.0.12 -i
`;
const DNS = '-A -u 192.0.2.1:53 -s rr\n-a -u 192.0.2.1:53 -r 10.0.0.11 -i\n';

/** 2026-01-01 00:00:00 UTC and a fraction. */
const EPOCH_US = 1_767_225_600_123_457;
const at = (seconds: number, data: Uint8Array): StampedPacket => ({ atUs: EPOCH_US + Math.round(seconds * 1e6), data });
const syn = (clientPort: number) => tcp({ from: `172.16.0.1:${clientPort}`, to: '192.0.2.1:80', flags: 'S' });
const ack = (clientPort: number) => tcp({ from: `172.16.0.1:${clientPort}`, to: '192.0.2.1:80', flags: 'A' });
const query = (clientPort: number) => udp({ from: `172.16.0.1:${clientPort}`, to: '192.0.2.1:53', payload: 'query' });

describe('tunvs replay', () => {
  let folder: string;
  const inFolder = (name: string) => join(folder, name);

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-replay-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  function run(rules: string, packets: readonly StampedPacket[], ...more: string[]): Promise<CliResult> {
    writeFileSync(inFolder('rules'), rules);
    writePcap(inFolder('in.pcap'), packets);
    return runFiles(...more);
  }

  function runFiles(...more: string[]): Promise<CliResult> {
    const files = ['--rules', inFolder('rules'), '--in', inFolder('in.pcap'), '--out', inFolder('out.pcap')];
    return cli(['replay', '--source', '10.2.0.2', ...files, ...more], [replay]);
  }

  const sent = () => readPcap(inFolder('out.pcap')).packets;
  const servers = () => sent().map(({ data }) => readOuter(data).destination);

  it('writes every tunnel packet with the time of the packet that caused it', async () => {
    const packets = [at(0, syn(1024)), at(0.000001, syn(1025)), at(0.25, ack(1024)), at(3600, syn(1026))];
    const result = await run(WEB, packets);
    assert.deepEqual(result, {
      exitCode: 0,
      stdout: '',
      stderr: `replayed 4 packets of 3600.000 s: 4 sent, in ${inFolder('out.pcap')}\n`,
    });
    assert.deepEqual(
      sent().map(({ atUs, data }) => ({ atUs, ...readOuter(data) })),
      packets.map(({ atUs, data }, index) => ({
        atUs,
        source: '10.2.0.2',
        destination: ['10.0.0.12', '10.0.0.11', '10.0.0.12', '10.0.0.12'][index],
        protocol: 4,
        inner: data,
      })),
    );
    assert.equal(readPcap(inFolder('out.pcap')).linkType, LINKTYPE_RAW);
  });

  it('takes a capture of both sides, and writes what masqueraded packets become', async () => {
    const rules = `-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m\n@3 -L -n -c\n@3 -L -n --stats\n`;
    const reply = (flags: string) => tcp({ from: '10.0.0.11:8080', to: '172.16.0.1:1024', flags });
    const packets = [
      at(0, syn(1024)),
      at(0.1, reply('SA')),
      at(0.2, ack(1024)),
      at(0.3, reply('FA')),
      at(3, ack(1024)),
    ];
    const { stdout } = await run(rules, packets);
    assert.deepEqual(
      sent().map(({ data }) => /ports .* ttl|[\d.]+ > \S+/g[Symbol.match](describePacket(data))?.join(' ')),
      [
        '172.16.0.1 > 10.0.0.11 ports 1024 > 8080 ttl',
        '192.0.2.1 > 172.16.0.1 ports 80 > 1024 ttl',
        '172.16.0.1 > 10.0.0.11 ports 1024 > 8080 ttl',
        '192.0.2.1 > 172.16.0.1 ports 80 > 1024 ttl',
        '172.16.0.1 > 10.0.0.11 ports 1024 > 8080 ttl',
      ],
    );
    assert.match(stdout, /^TCP 01:57 +FIN_WAIT +172\.16\.0\.1:1024 +192\.0\.2\.1:80 +10\.0\.0\.11:8080$/m);
    assert.match(stdout, /^ {2}-> 10\.0\.0\.11:8080 +1 +2 +2 +80 +80$/m);
  });

  it('writes the counters alone where no capture is wanted', async () => {
    writeFileSync(inFolder('rules'), WEB);
    writePcap(inFolder('in.pcap'), [at(0, syn(1024))]);
    const run = (...more: string[]) => {
      const files = ['--rules', inFolder('rules'), '--in', inFolder('in.pcap')];
      return cli(['replay', '--source', '10.2.0.2', ...files, ...more], [replay]);
    };
    const { exitCode, stdout, stderr } = await run('--stats', '-');
    assert.deepEqual([exitCode, stderr], [0, 'replayed 1 packets of 0.000 s: 1 sent\n']);
    assert.equal(JSON.parse(stdout).counters.forwarded, 1);
    const summary = JSON.parse((await run('--stats', inFolder('stats'), '--json')).stdout);
    assert.equal('out' in summary, false);
    const neither = await run();
    assert.equal(neither.exitCode, 2);
    assert.match(neither.stderr, /^tunvs replay: say what to write: a capture with --out, .*--stats, or both$/m);
  });

  it('answers packets that are not for a service, and sends nothing for broken ones', async () => {
    const packets = [
      at(0, query(1024)),
      at(1, icmp({ from: '172.16.0.1', to: '192.0.2.1', type: 8, payload: 'ping' })),
      at(2, patch(syn(1024), 0, 0x65)),
      at(3, syn(1024).slice(0, 10)),
    ];
    const { exitCode, stderr } = await run(WEB, packets);
    assert.equal(exitCode, 0);
    assert.match(stderr, /replayed 4 packets of 3\.000 s: 2 sent/);
    assert.deepEqual(
      sent().map(({ atUs, data }) => [atUs, describePacket(data).split(' 192', 1)[0]]),
      [
        [packets[0]?.atUs, 'icmp port-unreachable'],
        [packets[1]?.atUs, 'icmp echo-reply'],
      ],
    );
  });

  it('applies a timed rule before the packets of its time', async () => {
    const rules = `${WEB}@1 -e -t 192.0.2.1:80 -r 10.0.0.12 -i -w 0\n@2.000001 ipvsadm -d -t 192.0.2.1:80 -r 10.0.0.11\n`;
    await run(rules, [
      at(0, syn(1)),
      at(0.999999, syn(2)),
      at(1, syn(3)),
      at(1, syn(4)),
      at(2, syn(5)),
      at(2.000001, syn(6)),
      at(3, ack(1)),
    ]);
    const serversInTurn = ['10.0.0.12', '10.0.0.11', '10.0.0.11', '10.0.0.11', '10.0.0.11'];
    // The sixth has no server, so its client is told.
    assert.deepEqual(servers(), [...serversInTurn, '172.16.0.1', '10.0.0.12']);
  });

  it('takes timed rules in the order of their times, and those of one time in the order of the file', async () => {
    const rules = `${DNS}@2 -L --timeout\n@1 --set 10 20 30\n@1 -L --timeout\n@1 --set 0 0 31\n@0 -L --timeout\n`;
    const { stdout } = await run(rules, [at(0, query(1)), at(5, query(2))]);
    assert.equal(
      stdout,
      'Timeout (tcp tcpfin udp): 900 120 300\nTimeout (tcp tcpfin udp): 10 20 30\nTimeout (tcp tcpfin udp): 10 20 31\n',
    );
  });

  it('prints what ipvsadm would print', async () => {
    const rules = `${WEB}-S -n\n@1 -L -n\n@1.5 -L -n --stats -t 192.0.2.1:80\n@2 -L -n -c\n@2 -Z\n@2 -L -n --stats -X\n`;
    const { stdout, exitCode } = await run(rules, [at(0, syn(1024)), at(0.5, ack(1024)), at(0.5, syn(1025))]);
    assert.equal(exitCode, 0);
    assert.equal(
      stdout,
      [
        '-A -t 192.0.2.1:80 -s rr',
        '-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 1 --tun-type ipip',
        '-a -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type ipip',
        'IP Virtual Server version 1.2.1 (size=4096)',
        'Prot LocalAddress:Port Scheduler Flags',
        '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
        'TCP  192.0.2.1:80 rr',
        '  -> 10.0.0.11:80                 Tunnel  1      1          0         ',
        '  -> 10.0.0.12:80                 Tunnel  1      1          0         ',
        'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
        '  -> RemoteAddress:Port',
        'TCP  192.0.2.1:80                        2        3        0      120        0',
        '  -> 10.0.0.11:80                        1        1        0       40        0',
        '  -> 10.0.0.12:80                        1        2        0       80        0',
        'IPVS connection entries',
        'pro expire state       source             virtual            destination',
        ...stdout.split('\n').slice(16, 18),
        'IP Virtual Server version 1.2.1 (size=4096)',
        'Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes',
        '  -> RemoteAddress:Port',
        'TCP  192.0.2.1:80                        0        0        0        0        0',
        '  -> 10.0.0.11:80                        0        0        0        0        0',
        '  -> 10.0.0.12:80                        0        0        0        0        0',
        '',
      ].join('\n'),
    );
    // The order of connections is the table's own.
    assert.deepEqual(stdout.split('\n').slice(16, 18).sort(), [
      'TCP 00:58  SYN_RECV    172.16.0.1:1025    192.0.2.1:80       10.0.0.11:80',
      'TCP 14:58  ESTABLISHED 172.16.0.1:1024    192.0.2.1:80       10.0.0.12:80',
    ]);
  });

  it("prints IPVS's estimate of a steady rate", async () => {
    const packets = Array.from({ length: 1200 }, (_, index) => at(index / 10, query(1024 + index)));
    const { stdout } = await run(`${DNS}@0.5 -L -n --rate\n@119 -L -n --rate\n`, packets);
    const rows = stdout.split('\n').filter((line) => line.startsWith('UDP'));
    assert.deepEqual(rows, [
      'UDP  192.0.2.1:53                        0        0        0        0        0',
      'UDP  192.0.2.1:53                       10       10        0      330        0',
    ]);
  });

  it("lets IPVS's estimate fade over days as over minutes", async () => {
    const packets = Array.from({ length: 100 }, (_, index) => at(index / 10, query(1024 + index)));
    const rules = `${DNS}@10 -L -n --rate\n@600 -L -n --rate\n@200000 -L -n --rate\n`;
    const { stdout } = await run(rules, packets);
    const rows = stdout.split('\n').filter((line) => line.startsWith('UDP'));
    const idle = 'UDP  192.0.2.1:53                        0        0        0        0        0';
    assert.notEqual(rows[0], idle);
    assert.deepEqual(rows.slice(1), [idle, idle]);
  });

  it('schedules by marks that come and go with the clock, and lists what they led to', async () => {
    const rules = [
      'mark 1 dst 192.0.2.0/28 dport 80',
      '-A -f 1 -s rr -p 600',
      '-a -f 1 -r 10.0.0.11 -i',
      '-a -f 1 -r 10.0.0.12 -i',
      '-A -t 192.0.2.0/28:1-1023 -s rr',
      '-a -t 192.0.2.0/28:1-1023 -r 10.0.0.13 -i',
      '@1.5 mark list',
      '@1.5 -L -n -c',
      '@1.5 -L -n',
      '@2 mark flush',
      '@2.5 mark list',
      '@2.5 -S -n',
    ];
    const to = (address: string, port: number) => tcp({ from: `172.16.0.1:${port}`, to: `${address}:80`, flags: 'S' });
    const packets = [at(0, to('192.0.2.1', 1)), at(1, to('192.0.2.2', 2)), at(3, to('192.0.2.3', 3))];
    const { stdout } = await run(`${rules.join('\n')}\n`, packets);
    assert.deepEqual(servers(), ['10.0.0.12', '10.0.0.12', '10.0.0.13']);
    const [marks, , , ...lines] = stdout.split('\n');
    assert.equal(marks, 'mark 1 dst 192.0.2.0/28 dport 80');
    assert.deepEqual(lines.splice(0, 3).sort(), [
      'IP  09:59  NONE        172.16.0.1:0       0.0.0.1:0          10.0.0.12:0',
      'TCP 00:58  SYN_RECV    172.16.0.1:1       192.0.2.1:80       10.0.0.12:80',
      'TCP 00:59  SYN_RECV    172.16.0.1:2       192.0.2.2:80       10.0.0.12:80',
    ]);
    assert.deepEqual(lines, [
      'IP Virtual Server version 1.2.1 (size=4096)',
      'Prot LocalAddress:Port Scheduler Flags',
      '  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn',
      'TCP  192.0.2.0/28:1-1023 rr',
      '  -> 10.0.0.13:0                  Tunnel  1      0          0         ',
      'FWM  1 rr persistent 600',
      '  -> 10.0.0.11:0                  Tunnel  1      0          0         ',
      '  -> 10.0.0.12:0                  Tunnel  1      2          0         ',
      '-A -t 192.0.2.0/28:1-1023 -s rr',
      '-a -t 192.0.2.0/28:1-1023 -r 10.0.0.13:0 -i -w 1 --tun-type ipip',
      '-A -f 1 -s rr -p 600',
      '-a -f 1 -r 10.0.0.11:0 -i -w 1 --tun-type ipip',
      '-a -f 1 -r 10.0.0.12:0 -i -w 1 --tun-type ipip',
      '',
    ]);
  });

  it('prints a long listing whole', async () => {
    const packets = Array.from({ length: 30_000 }, (_, index) => at(index / 1e6, query(1024 + index)));
    const { stdout } = await run(`${DNS}@1 -L -n -c\n`, packets);
    const clients = stdout
      .split('\n')
      .slice(2, -1)
      .map((line) => line.slice(23, 41).trim());
    assert.equal(new Set(clients).size, 30_000);
  });

  it('lets time pass after the last packet for the rules that are still due', async () => {
    const { stdout } = await run(`${WEB}@59 -L -n -c\n@61 -L -n -c\n@61 -L -n\n`, [at(0, syn(1024))]);
    const lines = stdout.split('\n');
    assert.equal(lines[2], 'TCP 00:01  SYN_RECV    172.16.0.1:1024    192.0.2.1:80       10.0.0.12:80');
    assert.deepEqual(lines.slice(3, 5), [
      'IPVS connection entries',
      'pro expire state       source             virtual            destination',
    ]);
    assert.equal(lines[10], '  -> 10.0.0.12:80                 Tunnel  1      0          0         ');
  });

  it('applies all rules to a capture without packets', async () => {
    const { exitCode, stdout, stderr } = await run('@5 -L --timeout\n', []);
    assert.deepEqual([exitCode, stdout], [0, 'Timeout (tcp tcpfin udp): 900 120 300\n']);
    assert.match(stderr, /replayed 0 packets of 0\.000 s: 0 sent/);
  });

  it('reads Ethernet captures, and writes packets without a link header', async () => {
    writeFileSync(inFolder('rules'), WEB);
    writePcap(inFolder('in.pcap'), [at(0, syn(1024))], LINKTYPE_ETHERNET);
    assert.equal((await runFiles()).exitCode, 0);
    assert.deepEqual(
      sent().map(({ data }) => readOuter(data).inner),
      [syn(1024)],
    );
  });

  it('keeps its place between the pieces that a long capture is read in', async () => {
    const packets = Array.from({ length: 10_000 }, (_, index) => at(index / 1000, query(1024 + index)));
    const rules = `${DNS}-a -u 192.0.2.1:53 -r 10.0.0.12 -i -w 0\n@4.096 -e -u 192.0.2.1:53 -r 10.0.0.11 -i -w 0
@4.096 -e -u 192.0.2.1:53 -r 10.0.0.12 -i\n`;
    const { stderr } = await run(rules, packets);
    assert.match(stderr, /replayed 10000 packets of 9\.999 s: 10000 sent/);
    assert.deepEqual(
      servers(),
      packets.map((_, index) => (index < 4096 ? '10.0.0.11' : '10.0.0.12')),
    );
    assert.deepEqual(
      sent().map(({ atUs }) => atUs),
      packets.map(({ atUs }) => atUs),
    );
  });

  it('gives a packet that is stamped too early the time that was reached, and its own stamp back', async () => {
    const rules = `${WEB}@1 -e -t 192.0.2.1:80 -r 10.0.0.12 -i -w 0\n`;
    await run(rules, [at(0, syn(1)), at(2, syn(2)), at(0.5, syn(3)), at(2.5, syn(4))]);
    assert.deepEqual(servers(), ['10.0.0.12', '10.0.0.11', '10.0.0.11', '10.0.0.11']);
    assert.equal(sent()[2]?.atUs, EPOCH_US + 500_000);
  });

  it('is the same twice', async () => {
    const packets = Array.from({ length: 500 }, (_, index) => at(index / 100, syn(1024 + (index % 300))));
    const rules = `${WEB}@4.5 -L -n -c\n`;
    const outcomes = [];
    for (let turn = 0; turn < 2; turn++) {
      const { stdout } = await run(rules, packets, '--seed', '42');
      outcomes.push([stdout, readFileSync(inFolder('out.pcap'), 'hex')]);
    }
    assert.deepEqual(outcomes[1], outcomes[0]);
  });

  it('writes the counters as JSON', async () => {
    const { stdout } = await run(
      WEB,
      [at(0, syn(1)), at(1, query(1)), at(2, ack(2))],
      '--stats',
      inFolder('stats.json'),
      '--json',
    );
    assert.deepEqual(JSON.parse(stdout), {
      received: 3,
      sent: 3,
      durationMs: 2000,
      skipped: { notIp: 0, truncated: 0, oversized: 0, cutOff: 0, superFrames: 0 },
      out: inFolder('out.pcap'),
    });
    const { counters, services, timeouts, totals } = JSON.parse(readFileSync(inFolder('stats.json'), 'utf8'));
    assert.deepEqual(
      [counters.received, counters.forwarded, counters.dropNoService, counters.dropNotScheduled],
      [3, 1, 1, 1],
    );
    assert.equal(services[0].servers[0].totals.inPackets, 1);
    assert.equal(totals.connections, 1);
    assert.equal(timeouts.tcp, 900);
  });

  it('reads rules from standard input', async () => {
    writePcap(inFolder('in.pcap'), [at(0, syn(1))]);
    const args = [
      'replay',
      '--rules',
      '-',
      '--source',
      '10.2.0.2',
      '--in',
      inFolder('in.pcap'),
      '--out',
      inFolder('out.pcap'),
    ];
    assert.equal((await cli(args, [replay], WEB)).exitCode, 0);
    assert.equal(sent().length, 1);
  });

  it('refuses to write over the capture that it reads', async () => {
    await run(WEB, [at(0, syn(1))]);
    symlinkSync(inFolder('in.pcap'), inFolder('link.pcap'));
    const before = readFileSync(inFolder('in.pcap'), 'hex');
    for (const out of ['in.pcap', 'link.pcap']) {
      const { exitCode, stderr } = await runFiles('--out', inFolder(out));
      assert.equal(exitCode, 2);
      assert.match(stderr, /--in and --out are the same file, .*: write to another one/);
    }
    assert.equal(readFileSync(inFolder('in.pcap'), 'hex'), before);
  });

  it('refuses any two options that name the same file, where one of them is written', async () => {
    await run(WEB, [at(0, syn(1))]);
    symlinkSync(folder, inFolder('link'));
    const before = ['in.pcap', 'out.pcap', 'rules'].map((name) => readFileSync(inFolder(name), 'hex'));
    for (const [option, name, other] of [
      ['--stats', 'in.pcap', '--in'],
      ['--stats', 'rules', '--rules'],
      ['--stats', 'link/out.pcap', '--out'],
      ['--out', 'rules', '--rules'],
    ] as const) {
      const { exitCode, stderr } = await runFiles(option, inFolder(name));
      assert.equal(exitCode, 2, stderr);
      assert.match(stderr, new RegExp(`${other} and ${option} are the same file, .*: write to another one`));
    }
    const fresh = await runFiles('--out', inFolder('new'), '--stats', inFolder('link/new'));
    assert.match(fresh.stderr, /--out and --stats are the same file/);
    assert.deepEqual(
      ['in.pcap', 'out.pcap', 'rules'].map((name) => readFileSync(inFolder(name), 'hex')),
      before,
    );
    assert.equal((await runFiles('--out', '/dev/null', '--stats', '/dev/null')).exitCode, 0);
  });

  it('fails before the replay when the counters cannot be written, and keeps them until they can', async () => {
    await run(WEB, [at(0, syn(1))]);
    rmSync(inFolder('out.pcap'));
    const nowhere = await runFiles('--stats', inFolder('nowhere/stats'));
    assert.equal(nowhere.exitCode, 1);
    assert.match(
      nowhere.stderr,
      /^tunvs replay: --stats .*nowhere\/stats: its folder does not exist: name another file/,
    );
    assert.ok(!existsSync(inFolder('out.pcap')));
    const full = await runFiles('--stats', '/dev/full');
    assert.match(full.stderr, /--stats \/dev\/full: no space is left on its file system: name another file/);
    writeFileSync(inFolder('stats'), 'x'.repeat(100_000));
    assert.equal((await runFiles('--stats', inFolder('stats'))).exitCode, 0);
    assert.doesNotThrow(() => JSON.parse(readFileSync(inFolder('stats'), 'utf8')));
  });

  const mistakes: [string, RegExp][] = [
    ['-A -t 192.0.2.1:80 -q\n', /rules:1: -q is not an option of ipvsadm/],
    [`${WEB}-A -t 192.0.2.1:80\n`, /rules:4: the service -t 192\.0\.2\.1:80 exists already/],
    [
      `${WEB}@1 -a -t 192.0.2.9:80 -r 10.0.0.11 -i\n`,
      /rules:4: there is no service -t 192\.0\.2\.9:80 for this server/,
    ],
    [`${WEB}@1 -L -n -t 192.0.2.9:80\n`, /rules:4: there is no service -t 192\.0\.2\.9:80/],
    [`${WEB}@9 -d -t 192.0.2.1:80 -r 10.0.0.99\n`, /rules:4: the service .* has no server 10\.0\.0\.99:80/],
  ];
  for (const [rules, message] of mistakes) {
    it(`fails with the line of "${rules.trim().split('\n').at(-1)}"`, async () => {
      const { exitCode, stderr } = await run(rules, [at(0, syn(1)), at(2, syn(2))]);
      assert.equal(exitCode, 1);
      assert.match(stderr, message);
    });
  }

  it('fails with a sentence when a file cannot be read or written', async () => {
    await run(WEB, [at(0, syn(1))]);
    writeFileSync(inFolder('text'), 'this is no capture, but it is long enough to be one');
    for (const [option, name, expected] of [
      ['--in', 'text', 1],
      ['--in', 'nowhere.pcap', 1],
      ['--rules', 'nowhere.rules', 1],
      ['--out', 'nowhere/out.pcap', 1],
    ] as const) {
      const { exitCode, stderr } = await runFiles(option, inFolder(name));
      assert.equal(exitCode, expected, stderr);
      assert.match(stderr, new RegExp(`^tunvs replay: .*${name}.*: .*\n$`));
    }
  });

  it('tells clients what fits into the path MTU, and fragments where it may', async () => {
    const long = (df: boolean) => udp({ from: '172.16.0.1:1024', to: '192.0.2.1:53', payload: 'x'.repeat(1352), df });
    await run(DNS, [at(0, long(true)), at(1, long(false))], '--path-mtu', '1399');
    const [tooBig, ...fragments] = sent().map(({ data }) => describePacket(data));
    assert.match(tooBig ?? '', /^icmp frag-needed mtu 1379 192\.0\.2\.1 > 172\.16\.0\.1 .* 576 bytes/);
    assert.equal(fragments.length, 2);
    for (const fragment of fragments) assert.match(fragment, /^ipip 10\.2\.0\.2 > 10\.0\.0\.11 .* fragment /);
    await run(DNS, [at(0, long(true)), at(1, long(false))], '--mtu', '1400');
    assert.deepEqual(servers(), ['10.0.0.11', '10.0.0.11']);
  });

  it('takes IPv6 and SCTP, and every forwarding method', async () => {
    const rules = `-A -t [2001:db8::80]:80 -s rr
-a -t [2001:db8::80]:80 -r [2001:db8:1::11] -i --tun-type gre
-A --sctp-service 192.0.2.1:9 -s rr
-a --sctp-service 192.0.2.1:9 -r 10.0.0.11 -g
-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r [2001:db8:1::12] -i --tun-type gue --tun-port 6080 --tun-csum
@9 -L -n -c
`;
    const init = sctp({ from: '172.16.0.1:4000', to: '192.0.2.1:9', chunks: 'INIT' });
    const syn6 = tcp({ from: '[2001:db8:c::1]:1024', to: '[2001:db8::80]:80' });
    const { stdout } = await run(rules, [at(0, init), at(1, syn6), at(2, syn(1024))], '--source', '2001:db8:1::1');
    const kinds = sent().map(({ data }) => describePacket(data).split(' ').slice(0, 4).join(' '));
    assert.deepEqual(kinds, [
      'sctp 172.16.0.1 > 192.0.2.1',
      'gre 2001:db8:1::1 > 2001:db8:1::11',
      'udp 2001:db8:1::1 > 2001:db8:1::12',
    ]);
    assert.deepEqual(sent()[0]?.data, init);
    assert.deepEqual(stdout.trimEnd().split('\n').slice(2).sort().reverse(), [
      'TCP 00:53  SYN_RECV    172.16.0.1:1024    192.0.2.1:80       [2001:db8:1::12]:80',
      'TCP 00:52  SYN_RECV    [2001:db8:c::1]:1024 [2001:db8::80]:80  [2001:db8:1::11]:80',
    ]);
  });

  it('answers for real servers as it is told', async () => {
    const noServer = '-A -t 192.0.2.1:80\n';
    const echo = icmp({ from: '172.16.0.1', to: '192.0.2.1', type: 8, payload: 'ping' });
    const kinds = async (...words: string[]) => {
      await run(noServer, [at(0, syn(1024)), at(1, echo)], ...words);
      return sent().map(({ data }) => describePacket(data).split(' 192.')[0]);
    };
    assert.deepEqual(await kinds(), ['icmp port-unreachable', 'icmp echo-reply']);
    assert.deepEqual(await kinds('--no-server-reply', 'reset', '--ping-reply', 'never'), ['tcp RA']);
    assert.deepEqual(await kinds('--ping-reply', 'when-up'), ['icmp port-unreachable']);
  });

  it('spreads flows over a range of sources', async () => {
    const packets = Array.from({ length: 200 }, (_, flow) => at(flow, syn(1024 + flow)));
    writeFileSync(inFolder('rules'), '-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n');
    writePcap(inFolder('in.pcap'), [...packets, ...packets.map(({ atUs, data }) => ({ atUs: atUs + 200e6, data }))]);
    const files = ['--rules', inFolder('rules'), '--in', inFolder('in.pcap'), '--out', inFolder('out.pcap')];
    const { stderr } = await cli(['replay', '--source', '10.2.1.0/30', ...files], [replay]);
    assert.match(stderr, /400 sent/);
    const sources = sent().map(({ data }) => readOuter(data).source);
    assert.deepEqual([...new Set(sources)].sort(), ['10.2.1.0', '10.2.1.1', '10.2.1.2', '10.2.1.3']);
    assert.deepEqual(sources.slice(0, 200), sources.slice(200), 'a flow keeps its source');
  });
});
