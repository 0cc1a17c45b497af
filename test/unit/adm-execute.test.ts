/** What executeAdm does beyond what is recorded: names, JSON, sysctls, refusals, pieces. */
import { strict as assert } from 'node:assert';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import { executeAdm, isListing } from '../../lib/rules/adm/execute.js';
import type { NameResolver } from '../../lib/rules/adm/names.js';
import { OPTIONS } from '../../lib/rules/options.js';
import { RulesSession, type SessionTarget } from '../../lib/rules/session.js';
import type { Connection } from '../../lib/stats/connections.js';
import { callAdm, noNames } from '../support/adm.js';
import { tcp } from '../support/packets.js';

const WEB = '-t 192.0.2.1:80';

const HOSTS = [
  ['192.0.2.1', 'www.example'],
  ['10.3.0.11', 'web1'],
  ['2001:db8::1', 'six.example'],
] as const;

const ROW: Connection = {
  kind: 'connection',
  protocol: 'tcp',
  clientAddress: '198.51.100.1',
  clientPort: 2000,
  virtualAddress: '192.0.2.1',
  virtualPort: 80,
  serverAddress: '10.3.0.11',
  serverPort: 80,
  state: 'ESTABLISHED',
  expiresMs: 1000,
  active: true,
  controlled: 0,
};

/** Three names and one service, both ways. */
const someNames: NameResolver = {
  ...noNames,
  host: async (address) => HOSTS.find(([each]) => each === address)?.[1],
  address: async (name, family) =>
    HOSTS.find(([address, each]) => each === name && address.includes(':') === (family === 6))?.[0],
  service: async (port, protocol) => (port === 80 && protocol === 'tcp' ? 'http' : undefined),
  port: async (name, protocol) => (name === 'http' && protocol === 'tcp' ? 80 : undefined),
};

describe('a call of ipvsadm', () => {
  let director: OfflineDirector;
  let session: RulesSession;

  beforeEach(() => {
    director = Director.offline({ source: ['10.2.0.2', '2001:db8:2::2'], maxConnections: 4096 });
    session = new RulesSession(director);
  });
  afterEach(() => director.close());

  const call = (line: string, stdin = '') => callAdm(session, line, { stdin });
  const saved = async () => (await call('-S -n')).out;
  const give = async (...rules: string[]) => assert.deepEqual(await answerOf('-R', rules.join('\n')), ['', 0]);

  async function answerOf(line: string, stdin = ''): Promise<[text: string, exit: number | undefined]> {
    const { text, exit } = await call(line, stdin);
    return [text, exit];
  }

  describe('with names', () => {
    const named = (line: string, stdin = '') => callAdm(session, line, { stdin, resolve: someNames });

    it('writes them unless -n is given', async () => {
      await give(`-A ${WEB} -s rr`, `-a ${WEB} -r 10.3.0.11 -i`, '-A -t [2001:db8::1]:80 -s rr', '-A -u 192.0.2.1:80');
      const { out } = await named('-L');
      assert.match(out, /^TCP {2}www\.example:http rr$/m);
      assert.match(out, /^ {2}-> web1:http {20}Tunnel/m);
      assert.match(out, /^TCP {2}\[six\.example\]:http rr$/m);
      assert.match(out, /^UDP {2}www\.example:80 wlc$/m);
      assert.equal((await named('-L -n')).out, (await call('-L')).out);
      assert.match((await named('-L --stats')).out, /^TCP {2}www\.example:http {20}0 /m);
      const saved = (await named('-S')).out;
      assert.match(saved, /^-a -t www\.example:http -r web1:http -i -w 1 --tun-type ipip$/m);
      const numeric = (await call('-S -n')).out;
      await give('-C');
      assert.equal((await named('-R', saved)).text, '');
      assert.equal((await call('-S -n')).out, numeric);
    });

    it('writes those of connections', async () => {
      await give(`-A ${WEB} -s rr`, `-a ${WEB} -r 10.3.0.11 -i`);
      director.process(tcp({ from: '198.51.100.1:2000', to: '192.0.2.1:80' }), 1);
      assert.match((await named('-Lc')).out, /SYN_RECV {4}198\.51\.100\.1:2000 {2}www\.example:http {3}web1:http\n$/);
    });

    it('cuts a long one at the width of its column', async () => {
      await give(`-A ${WEB} -s rr`, `-a ${WEB} -r 10.3.0.11 -i`);
      const long: NameResolver = { ...noNames, host: async () => 'a-very-long-name-of-a-host.of.some.example' };
      const { out } = await callAdm(session, '-L', { resolve: long });
      assert.match(out, /^TCP {2}a-very-long-name-of-a-host\.o rr\n {2}-> a-very-long-name-of-a-host\.o Tunnel {2}1 /m);
    });

    it('reads them in rules, wherever an address may stand', async () => {
      for (const rule of [
        '-A -t www.example:http',
        '-a -twww.example:http -r web1 -i',
        '-A --tcp-service=[six.example]:80',
      ])
        assert.deepEqual([rule, (await named(rule)).text], [rule, '']);
      assert.match(
        (await named('-Ln')).out,
        /192\.0\.2\.1:80 wlc\n {2}-> 10\.3\.0\.11:80 .*\nTCP {2}\[2001:db8::1\]:80 wlc\n/,
      );
      assert.equal((await named('-A -t nobody.example:80')).text, 'illegal virtual server address[:port] specified\n');
      assert.equal((await named('-A -t www.example:nosuch')).text, 'illegal virtual server address[:port] specified\n');
      assert.equal((await named(`-a ${WEB} -r nobody -i`)).text, 'illegal real server address[:port] specified\n');
    });
  });

  describe('with --json', () => {
    const parsed = async (line: string) => {
      const { out, err, exit } = await call(line);
      assert.deepEqual([err, exit], ['', 0], line);
      return JSON.parse(out);
    };

    it('prints each listing', async () => {
      await give(`-A ${WEB} -s rr`, `-a ${WEB} -r 10.3.0.11 -i -w 3`, '-A -f 7', 'mark 7 dst 192.0.2.9');
      director.process(tcp({ from: '198.51.100.1:2000', to: '192.0.2.1:80' }), 1);
      const all = await parsed('-L --json');
      assert.deepEqual(all, JSON.parse(JSON.stringify({ services: director.stats().services })));
      assert.equal((await parsed(`--json -L ${WEB}`)).services[0].servers[0].weight, 3);
      const { connections } = await parsed('-Lnc --json');
      assert.deepEqual([connections.length, connections[0].clientPort], [1, 2000]);
      assert.deepEqual(await parsed('-L --timeout --json'), { timeouts: { tcp: 900, tcpFin: 120, udp: 300 } });
      assert.deepEqual(await parsed('-L --daemon --json'), { daemons: [] });
      assert.deepEqual(await parsed('mark list --json'), { marks: [{ mark: 7, destination: '192.0.2.9' }] });
      assert.deepEqual((await parsed('-S --json')).rules.join('\n'), (await saved()).trimEnd());
      assert.equal((await parsed('-S --all --json')).rules.at(-1), '-A -f 7 -s wlc');
      assert.deepEqual(await parsed('--sysctl sloppy_tcp --json'), { sysctls: { sloppy_tcp: 0 } });
      await give('-C');
      assert.deepEqual(await parsed('-L --json'), { services: [] });
    });

    it('prints no connections as well', async () => assert.deepEqual(await parsed('-Lc --json'), { connections: [] }));

    it('is refused with a command that lists nothing, and twice', async () => {
      assert.match((await call('-C --json')).text, /^--json does not go with this command: /);
      assert.deepEqual(await answerOf('-L --json --json'), ["multiple 'json' options specified\n", 2]);
      assert.equal((await call('-L --json=1')).exit, 255);
      // A value that looks like the option is a value.
      assert.match((await call(`-A ${WEB} -s --json`)).text, /^Scheduler or persistence engine not found/);
    });
  });

  describe('with --sysctl', () => {
    it('shows and sets one, by either name', async () => {
      assert.deepEqual(await answerOf('--sysctl sloppy_tcp'), ['net.ipv4.vs.sloppy_tcp = 0\n', 0]);
      assert.deepEqual(await answerOf('--sysctl sloppy_tcp=1'), ['', 0]);
      assert.deepEqual(await answerOf('--sysctl=net.ipv4.vs.sloppy_tcp'), ['net.ipv4.vs.sloppy_tcp = 1\n', 0]);
      assert.equal((await call('--sysctl')).out.split('\n').length - 1, Object.keys(director.sysctls).length);
    });

    it('is refused for a name or a value that is wrong, and beside a command', async () => {
      for (const line of [
        '--sysctl nosuch',
        '--sysctl nosuch=1',
        '--sysctl sloppy_tcp=x',
        '--sysctl __proto__',
        '-L --sysctl x',
      ])
        assert.deepEqual([line, (await call(line)).exit], [line, 2]);
    });
  });

  it('has no connection sync without a device', async () => {
    for (const line of ['--start-daemon master --mcast-interface eth0', '--stop-daemon backup']) {
      const { err, exit } = await call(line);
      assert.match(err, /^an offline director has no connection sync, .*\n$/);
      assert.equal(exit, 255);
    }
    assert.deepEqual(await answerOf('-L --daemon'), ['', 0]);
  });

  it('says so when the director is closed', async () => {
    await director.close();
    const { err, exit } = await call('-L -n');
    assert.match(err, /closed/);
    assert.equal(exit, 255);
  });

  it('has help that names each option but the one that does nothing', async () => {
    const { out, exit } = await call('--help');
    const missing = OPTIONS.filter(({ long, short }) => {
      const words = out.split(/[\s,[\]]+/);
      return !words.includes(`--${long}`) && !words.includes(`-${short}`);
    });
    assert.equal(exit, 0);
    assert.deepEqual(
      missing.map(({ long }) => long).filter((long) => long !== 'masquerading'),
      ['sort'],
    );
  });

  it('names the leftmost mistake, as ipvsadm does', async () => {
    for (const [line, said] of [
      ['-A -t 300.1.1.1:80 -q', 'illegal virtual server address[:port] specified\n'],
      ['-A -q -t 300.1.1.1:80', '-q: unknown option\n'],
      [`-a ${WEB} -w x -r 300.1.1.1`, 'illegal weight specified\n'],
      [`-a ${WEB} -r 300.1.1.1 -w x`, 'illegal real server address[:port] specified\n'],
      [`-a ${WEB} -y x ${WEB}`, 'illegal l_threshold specified\n'],
      [`-a ${WEB} -t x`, "multiple 'service-address' options specified\n"],
      ['-C -f 0', "invalid fwmark value `0' specified\n"],
      [`-A ${WEB} -p 0 --tun-type x`, "invalid timeout value `0' specified\n"],
      ['--start-daemon leader --syncid 256', 'illegal start-daemon parameter specified\n'],
    ] as const)
      assert.deepEqual([line, await answerOf(line)], [line, [said, said.includes('unknown') ? 255 : 2]]);
  });

  it('is a listing or not, by its command', () => {
    const listings = [
      '',
      '-L',
      '-Lnc --json',
      '-S --all',
      '-h',
      '--version',
      'mark list',
      '--sysctl x',
      '--list',
      '-L -t www.example:http',
    ];
    const others = [
      '-C',
      '-Z',
      '-R',
      '-A -t 192.0.2.1:80',
      '--set 1 2 3',
      'mark flush',
      '--sysctl x=1',
      'mark',
      '-6 -L',
    ];
    const words = (line: string) => line.split(' ').filter((word) => word !== '');
    assert.deepEqual(
      listings.filter((line) => !isListing(words(line))),
      [],
    );
    assert.deepEqual(
      others.filter((line) => isListing(words(line))),
      [],
    );
  });

  it('prints any listing in pieces of 64 KiB at most, which end with a line where they can', async () => {
    const servers = Array.from({ length: 3000 }, (_, i) => `-a ${WEB} -r 10.4.${i >> 8}.${i & 255} -i`);
    await give(`-A ${WEB} -s rr`, ...servers);
    director.process(
      Array.from({ length: 3000 }, (_, i) => tcp({ from: `198.51.100.1:${2000 + i}`, to: '192.0.2.1:80' })),
      1,
    );
    for (const line of ['-Ln', '-Lnc', '-Sn', '-L --json']) {
      const pieces: string[] = [];
      for await (const piece of executeAdm(session, { argv: line.split(' '), resolve: noNames }))
        if ('out' in piece) pieces.push(piece.out);
      assert.ok(pieces.length > 2, line);
      assert.ok(
        pieces.slice(0, -1).every(({ length }) => length > 60_000 && length <= 65_536),
        line,
      );
      if (!line.includes('json'))
        assert.ok(
          pieces.every((piece) => piece.endsWith('\n')),
          line,
        );
      else assert.equal(JSON.parse(pieces.join('')).services[0].servers.length, 3000);
    }
  });

  it('reads no more of the connection table than it has printed, and leaves it when the caller goes', async () => {
    let read = 0;
    let isLeft = false;
    async function* endless() {
      try {
        for (;;) {
          read++;
          yield ROW;
        }
      } finally {
        isLeft = true;
      }
    }
    const { timeouts, sysctls, marks } = director;
    const target = { timeouts, sysctls, marks, connections: endless } as Partial<SessionTarget> as SessionTarget;
    for (const line of ['-Lnc', '-Lc', '-Lc --json']) {
      [read, isLeft] = [0, false];
      const call = executeAdm(new RulesSession(target), { argv: line.split(' '), resolve: someNames });
      const first = await call.next();
      assert.ok('out' in first.value && first.value.out.length < 70_000, line);
      assert.ok(read <= 2000, `${line}: ${read}`);
      await call.return(undefined);
      assert.ok(isLeft, line);
    }
  });
});
