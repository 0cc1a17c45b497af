import { strict as assert } from 'node:assert';
import { networkInterfaces } from 'node:os';
import { deviceNames } from '../../lib/cli/run/device-names.js';
import { statusOf } from '../../lib/cli/run/status.js';
import { statsLine } from '../../lib/cli/run/stats-line.js';
import { run } from '../../lib/cli/verbs/run.js';
import { Director } from '../../lib/director/director.js';
import { RateMeter } from '../../lib/stats/rates.js';
import { cli, DRY_RUN_KEYS } from '../support/cli.js';
import { tcp } from '../support/packets.js';

const RULES = `# web
-A -t 192.0.2.1:80
-a -t 192.0.2.1:80 -r 10.0.0.11 -i
--set 60 0 30
sysctl net.ipv4.vs.sloppy_tcp=1
`;

const dryRun = (rules: string, ...more: string[]) =>
  cli(['run', '--rules', '-', '--source', '10.2.0.2', '--dry-run', ...more], [run], rules);

describe('tunvs run --dry-run', () => {
  it('prints what would be done to the host and at the director', async () => {
    const { exitCode, stdout, stderr } = await dryRun(RULES, '--device', 'lvs7');
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.match(stdout, /^ip link set dev lvs7 .* up {2}# bring the device up$/m);
    assert.match(stdout, /^ip route replace 192\.0\.2\.1\/32 dev lvs7 /m);
    assert.ok(
      stdout.endsWith(
        [
          '# the director',
          '-A -t 192.0.2.1:80 -s wlc',
          '-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 1 --tun-type ipip',
          '--set 60 0 30',
          'sysctl net.ipv4.vs.sloppy_tcp=1',
          '',
        ].join('\n'),
      ),
    );
  });

  it('says which sysctls have no effect, and why', async () => {
    const { exitCode, stdout, stderr } = await dryRun(`${RULES}sysctl net.ipv4.vs.snat_reroute=0\n`);
    assert.equal(exitCode, 0);
    assert.match(
      stderr,
      /^tunvs run: -:6: net\.ipv4\.vs\.snat_reroute has no effect here: the host routes real servers' replies .*\n$/,
    );
    assert.ok(stdout.endsWith('sysctl net.ipv4.vs.snat_reroute=0\n'));
  });

  it('takes every kind of service and server', async () => {
    const rules = [
      '-A -t [2001:db8::1]:80 -s rr',
      '-a -t [2001:db8::1]:80 -r [2001:db8:1::11]:80 -i -w 1 --tun-type gue --tun-port 6080 --tun-remcsum',
      '-a -t [2001:db8::1]:80 -r 10.0.0.11:80 -i -w 1 --tun-type gre --tun-csum',
      '-a -t [2001:db8::1]:80 -r [2001:db8:1::12]:80 -g -w 1',
      '-A --sctp-service 192.0.2.1:9 -s wlc',
      '-a --sctp-service 192.0.2.1:9 -r [2001:db8:1::11]:9 -i -w 1 --tun-type ipip',
      '-a --sctp-service 192.0.2.1:9 -r 10.0.0.12:9 -g -w 1',
    ];
    const { stdout, stderr } = await dryRun(`${rules.join('\n')}\n`, '--source', '2001:db8:1::1');
    assert.equal(stderr, '');
    assert.ok(stdout.endsWith(`${rules.join('\n')}\n`), stdout);
  });

  it('gives the device the path MTU less an outer header', async () => {
    for (const [pathMtu, mtu] of [
      [[], 1480],
      [['--path-mtu', '9000'], 8980],
    ] as const) {
      assert.match((await dryRun(RULES, ...pathMtu)).stdout, new RegExp(`^ip link set dev tunvs0 mtu ${mtu} `, 'm'));
    }
  });

  const wrongOptions: [string[], RegExp][] = [
    [
      ['--path-mtu-floor', '1501'],
      /^tunvs run: --path-mtu-floor: expected at most the path MTU, 1500, got 1501: lower it, or raise the path MTU$/m,
    ],
    [
      ['--path-mtu', '1400', '--path-mtu-floor', '1401'],
      /--path-mtu-floor: expected at most the path MTU, 1400, got 1401: /,
    ],
    [['--path-mtu', '575'], /--path-mtu .* whole number from 576 to 65535/],
    [['--ping-reply', 'no'], /--ping-reply .* one of always, when-up, never/],
    [['--no-server-reply', 'drop'], /--no-server-reply .* one of unreachable, reset/],
    [['--mark-device', '0'], /--mark-device .* mark from 1 to 4294967295/],
    [['--mark-device', '1='], /--mark-device .* mark from 1 to 4294967295/],
    [['--mark-device', '1', '--mark-device', '1=b'], /--mark-device .* each mark once/],
    [['--no-server-reply'], /--no-server-reply <answer>' argument missing/],
    [['--source', '10.2.1.0/28'], /--source .* once per address family/],
    [['--source', '2001:db8::1/64'], /--source .* write 2001:db8::\/64/],
  ];
  for (const [words, message] of wrongOptions) {
    it(`refuses "${words.join(' ')}"`, async () => {
      const { exitCode, stderr } = await dryRun(RULES, ...words);
      assert.equal(exitCode, 2);
      assert.match(stderr, message);
    });
  }

  it('has a device, a table and a rule per mark', async () => {
    const { exitCode, stdout } = await dryRun(RULES, '--mark-device', '1', '--mark-device', '4294967295=guests');
    assert.equal(exitCode, 0);
    assert.match(stdout, /^# the host, once the devices tunvs0, tunvsm0, guests are there /);
    assert.match(stdout, /^ip route replace default dev tunvsm0 table \d+ proto 84 /m);
    assert.match(
      stdout,
      /^ip rule add pref 85 fwmark 0x1 lookup \d+ protocol 84 {2}# send packets with mark 1 to the director$/m,
    );
    assert.match(stdout, /^ip rule add pref 85 fwmark 0xffffffff lookup \d+ protocol 84 /m);
    const json = JSON.parse((await dryRun(RULES, '--json', '--mark-device', '7')).stdout);
    assert.deepEqual(json.devices, [{ name: 'tunvs0' }, { name: 'tunvsm0', mark: 7 }]);
  });

  it('prints the same as JSON', async () => {
    const { stdout } = await dryRun(RULES, '--json');
    const said = JSON.parse(stdout);
    const { event, verb, devices, host, rules } = said;
    assert.deepEqual(Object.keys(said), DRY_RUN_KEYS);
    assert.deepEqual([event, verb, devices, rules.length], ['dryRun', 'run', [{ name: 'tunvs0' }], 4]);
    assert.ok(host.some(({ command }: { command: string }) => command.startsWith('ip route replace 192.0.2.1/32')));
  });

  it('routes the ranges of services and the destinations of marks that have a service', async () => {
    const { exitCode, stdout, stderr } = await dryRun(
      [
        'mark 1 proto tcp dst 198.51.100.0/24 dport 80-443',
        'mark 2 dst 203.0.113.0/24',
        '-A -f 1 -s rr -p 600',
        '-A -t 192.0.2.0/28:8000-8099 -s rr',
        '',
      ].join('\n'),
    );
    assert.deepEqual([exitCode, stderr], [0, '']);
    const routes = [...stdout.matchAll(/^ip route replace (\S+) dev tunvs0/gm)].map(([, prefix]) => prefix);
    assert.deepEqual(routes, ['198.51.100.0/24', '192.0.2.0/28']);
    assert.match(stdout, /^mark 1 proto tcp dst 198\.51\.100\.0\/24 dport 80-443$/m);
    assert.match(stdout, /^-A -t 192\.0\.2\.0\/28:8000-8099 -s rr$/m);
  });

  it('numbers devices as the kernel does, past those that are there', () => {
    const there = ['tunvsm0', 'a1', 'b'];
    const names = deviceNames(['b', 'tunvsm%d', 'tunvsm%d', 'a%d', 'a%dx', 'a%d'], (name) => there.includes(name));
    assert.deepEqual(names, ['b', 'tunvsm1', 'tunvsm2', 'a0', 'a0x', 'a2']);
  });

  // What opening would refuse, each in the same words.
  const unopened: [string[], number, RegExp][] = [
    [['--device', 'a-name-of-22-characters'], 2, /^tunvs run: --device: expected an interface name of 1 to 15 bytes/],
    [['--device', 'lo'], 1, /^tunvs run: network interface 'lo' exists and is not a TUN device: choose another name$/m],
    [['--device', 'a%d%d'], 2, /^tunvs run: --device: expected an interface name .* without "%" but for one "%d", got/],
    [['--device', 'a%s'], 2, /^tunvs run: --device: expected an interface name/],
    [['--mark-device', '1=a%'], 2, /^tunvs run: --mark-device: expected an interface name/],
    [
      ['--device', 'a%d', '--mark-device', '2=a0'],
      1,
      /^tunvs run: device 'a0' is open in this process already: close what has it, or choose another name$/m,
    ],
    [['--bypass-qdisc'], 2, /^tunvs run: --bypass-qdisc: expected false, or true with egress 'packet', got true/m],
    [['--cpus', '3-1'], 2, /--cpus.*Write CPUs from 0 to 1023, as in 2,4-6: see/],
    [['--cpus', '1,0-1'], 2, /--cpus.*Name each CPU once: see/],
    [['--cpus', '1024'], 2, /--cpus.*Write CPUs from 0 to 1023/],
    [['--steering', 'bpf'], 2, /--steering/],
    [['--busy-poll', '1000001'], 2, /--busy-poll.*Write a whole number from 0 to 1000000: see/],
    [['--mark-device', '1=b/c'], 2, /^tunvs run: --mark-device: expected an interface name/],
    [['--mark-device', '1=tunvs0'], 2, /^tunvs run: --mark-device: expected another name for each device/],
    [
      ['--queues', '64', '--mark-device', '1'],
      2,
      /^tunvs run: --queues: expected at most 64 of all devices together, got 65$/m,
    ],
  ];
  for (const [words, code, message] of unopened) {
    it(`refuses "${words.join(' ')}" as opening would`, async () => {
      const { exitCode, stdout, stderr } = await dryRun(RULES, ...words);
      assert.match(stderr, message);
      assert.deepEqual([exitCode, stdout], [code, '']);
    });
  }

  it('names the devices of rings, and refuses what they cannot be of', async () => {
    const { stdout } = await dryRun(RULES, '--ring', 'lo');
    assert.match(stdout, /^# a ring of what comes in by lo, which nftables keep from the host$/m);
    const json = await dryRun(RULES, '--ring', 'lo', '--json');
    assert.deepEqual(JSON.parse(json.stdout).rings, ['lo']);
    const wrong: [string[], number, RegExp][] = [
      [['nowhere0'], 1, /a ring finds no device nowhere0: name one that is there \(ip link\)/],
      [['tunvs0'], 2, /--ring: expected devices by which clients' packets come in, and not 'tunvs0'/],
      [['lo', '--mark-device', '1'], 2, /--ring: expected no rings with markDevices/],
      [['lo', '--fast-path', 'ingress:lo'], 2, /--ring: expected devices that are not also in fastPath, as 'lo' is/],
      [['lo', '--queues', '33'], 2, /at most 64 queues of all rings and the device together/],
      [['lo,'], 2, /Write names of devices of at most 15 bytes/],
      [['eth%d'], 2, /Write names of devices/],
    ];
    for (const [words, code, message] of wrong) {
      const { exitCode, stderr } = await dryRun(RULES, '--ring', ...words);
      assert.match(stderr, message);
      assert.equal(exitCode, code, words.join(' '));
    }
  });

  it('names the places of the fast path, and refuses what it cannot be at', async () => {
    const { stdout } = await dryRun(RULES, '--fast-path', 'ingress:lo', '--mark-device', '1');
    const places = ['egress of tunvs0', 'egress of tunvsm0', 'ingress of lo'];
    assert.deepEqual(stdout.match(/(?<=^# the fast path's program at the ).*/gm), places);
    const without = await dryRun(RULES, '--fast-path', 'off');
    assert.doesNotMatch(without.stdout, /fast path/);
    const wrong: [string[], number, RegExp][] = [
      [['ingress:nowhere0'], 1, /the fast path finds no device nowhere0: name one that is there \(ip link\)/],
      [['egress', '--egress', 'raw'], 2, /expected 'off' or 'auto' with egress 'raw', got 'egress': choose/],
      [['ingress:tunvs0'], 2, /not the director's own 'tunvs0'/],
      [['ingress:'], 2, /with names of devices of at most 15 bytes/],
      [['ingress:lo,,lo'], 2, /with names of devices/],
      [['ingress:a-name-of-16-byt'], 2, /with names of devices/],
    ];
    for (const [words, code, message] of wrong) {
      const { exitCode, stderr } = await dryRun(RULES, '--fast-path', ...words);
      assert.match(stderr, message);
      assert.equal(exitCode, code, words.join(' '));
    }
  });

  it('refuses direct routing with an egress that cannot do it', async () => {
    const rules = '-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.0.0.11 -g\n';
    for (const egress of ['raw', 'tun']) {
      const { exitCode, stdout, stderr } = await dryRun(rules, '--egress', egress);
      assert.match(
        stderr,
        /^tunvs run: --egress \w+: direct routing, as to 10\.0\.0\.11:80, needs the egress packet: choose /,
      );
      assert.deepEqual([exitCode, stdout], [2, '']);
    }
    for (const egress of ['auto', 'packet']) assert.equal((await dryRun(rules, '--egress', egress)).exitCode, 0);
  });

  it('refuses a virtual address that is one of the host', async function () {
    const own = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
    const address = own.find(({ family, internal }) => family === 'IPv4' && !internal)?.address;
    if (address === undefined) return this.skip();
    const { exitCode, stdout, stderr } = await dryRun(`-A -t ${address}:80\n`);
    assert.match(stderr, /is an address of this host, so its kernel keeps the packets: remove it with/);
    assert.deepEqual([exitCode, stdout], [1, '']);
  });

  const mistakes: [string, RegExp][] = [
    [
      '-A -t 192.0.2.1:80\n-A -t 192.0.2.1:80 -s rr\n',
      /^tunvs run: -:2: the service .* exists already: change it with -E/,
    ],
    ['@1 -C\n', /^tunvs run: -:1: "@1": only a replay knows times/],
    ['-L -n\n', /^tunvs run: -:1: only a replay prints listings: leave the rule out/],
    ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n', /^tunvs run: -:1: there is no service -t 192\.0\.2\.1:80 for this server/],
    [
      '--start-daemon master\n',
      /^tunvs run: -:1: --start-daemon: connection sync is started and stopped at a running director, with tunvsadm: leave/,
    ],
  ];
  for (const [rules, message] of mistakes) {
    it(`finds the mistake in "${rules.trim().split('\n').at(-1)}"`, async () => {
      const { exitCode, stdout, stderr } = await dryRun(rules);
      assert.deepEqual([exitCode, stdout], [1, '']);
      assert.match(stderr, message);
    });
  }

  it("says of a sysctl's value what it takes, without the library's call", async () => {
    const rules = 'sysctl net.ipv4.vs.sloppy_tcp=2\n';
    const { stderr } = await cli(['run', '--rules', '-', '--source', '10.2.1.1', '--dry-run'], [run], rules);
    assert.equal(stderr, 'tunvs run: -:1: net.ipv4.vs.sloppy_tcp takes 0 to 1, not 2\n');
  });

  it("refuses a virtual address within a range of sources, whose addresses are the director's", async () => {
    const rules = (address: string) => `-A -t ${address}:80\n`;
    const range = (address: string) =>
      cli(['run', '--rules', '-', '--source', '10.2.1.0/28', '--dry-run'], [run], rules(address));
    for (const address of ['10.2.1.15', '10.2.1.8/29']) {
      const { exitCode, stderr } = await range(address);
      assert.equal(exitCode, 1);
      assert.match(
        stderr,
        /^tunvs run: -:1: -t 10\.2\.1\.\S+:80: write an address outside of the source 10\.2\.1\.0\/28, /,
      );
    }
    assert.equal((await range('10.2.1.16')).exitCode, 0);
    const wider = await range('10.2.0.0/16');
    assert.equal(wider.exitCode, 1);
    assert.match(
      wider.stderr,
      /^tunvs run: -:1: -t 10\.2\.0\.0\/16:80: write a range without the source 10\.2\.1\.0\/28, /,
    );
  });

  it("says of a real server's port that it is the service's, and goes on", async () => {
    const { exitCode, stdout, stderr } = await dryRun(
      '-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.0.0.11:81 -i\n-a -t 192.0.2.1:80 -r 10.0.0.12:80 -g\n',
    );
    const said =
      "tunvs run: -:2: -r 10.0.0.11:81: the port is the service's, 80, because -i and -g leave ports as they are: write -r 10.0.0.11:80\n";
    assert.deepEqual([exitCode, stderr], [0, said]);
    assert.match(stdout, /^-a -t 192\.0\.2\.1:80 -r 10\.0\.0\.11:80 -i /m);
  });

  it('names the source that a server of another family lacks', async () => {
    const { exitCode, stderr } = await dryRun('-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r [2001:db8::11] -i\n');
    assert.equal(exitCode, 1);
    assert.match(
      stderr,
      /^tunvs run: -:2: -r \[2001:db8::11\]:80: write an address of the family of a source: add --source with an IPv6 address$/m,
    );
  });

  it('wants a source', async () => {
    assert.equal((await cli(['run', '--rules', '-'], [run])).exitCode, 2);
  });

  it('adds nothing where there are no rules: tunvsadm will', async () => {
    const { exitCode, stdout } = await cli(['run', '--source', '10.2.0.2', '--dry-run', '--json'], [run]);
    const { rules, host } = JSON.parse(stdout);
    assert.deepEqual([exitCode, rules], [0, []]);
    assert.ok(host.every(({ command }: { command: string }) => !command.startsWith('ip route')));
  });
});

describe('the line of status', () => {
  it('says what went on since the one before, and what was dropped so far', async () => {
    await using director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    director
      .addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 })
      .addRealServer({ address: '10.0.0.11' });
    let nowMs = 0;
    const status = statusOf(director, () => nowMs);
    const syn = (port: number) => tcp({ from: `172.16.0.1:${port}`, to: '192.0.2.1:80' });
    director.process([syn(1), syn(2), syn(3).slice(0, 10)], 1000);
    nowMs = 2000;
    assert.match(
      status(),
      / {2}1 conn\/s {2}1 packets\/s .* 2 connections \(2 active\) {2}1 packet dropped so far \(dropTruncated 1\)$/,
    );
    director.process([syn(4).slice(0, 10), tcp({ from: '172.16.0.1:1', to: '192.0.2.1:81' })], 1500);
    nowMs = 3000;
    assert.match(status(), / {2}0 conn\/s .* 3 packets dropped so far \(dropTruncated 2, dropNoService 1\)$/);
  });
});

describe('the line of rates', () => {
  it('says what went on since the one before', async () => {
    await using director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    director
      .addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 })
      .addRealServer({ address: '10.0.0.11' });
    const meter = new RateMeter(director.stats(), 0);
    const packets = [1, 2, 3, 4].map((port) =>
      tcp({ from: `172.16.0.1:${port}`, to: '192.0.2.1:80', payload: 'x'.repeat(1210) }),
    );
    director.process(packets, 1000);
    const sample = { ...meter.sample(director.stats(), 2000), atMs: Date.UTC(2026, 0, 1, 12, 34, 56) };
    assert.equal(statsLine(sample), '12:34:56  2 conn/s  2 packets/s  0.0 Mbit/s  4 connections (4 active)');
  });
});
