/** A fleet on the command line: `tunvs fleet`, and the configuration of `tunvs run --etcd`. */
import { strict as assert } from 'node:assert';
import { etcdOf, PASSWORD_VARIABLE } from '../../lib/cli/etcd-options.js';
import { cacheFileOf } from '../../lib/cli/run/fleet-cache.js';
import { memberOf } from '../../lib/cli/run/fleet-options.js';
import { ageText } from '../../lib/cli/run/fleet-words.js';
import type { RunOptions } from '../../lib/cli/run/options.js';
import { UsageError } from '../../lib/cli/verb.js';
import { verbs } from '../../lib/cli/verbs/index.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import { FakeEtcd } from '../support/fake-etcd.js';
import { FleetRuns, PREFIX, WEB } from '../support/fleet-runs.js';

const STATE = {
  ...{ host: 'h', name: 'tunvs', version: '0.1.0', pid: 7, startedAtMs: Date.now() - 7_200_000, atMs: Date.now() },
  ...{
    revision: 5,
    from: 'etcd',
    fingerprint: 'aaaa',
    services: 1,
    servers: 2,
    serversUp: 1,
    connections: 3,
    health: {},
  },
};

let etcd: FakeEtcd;
beforeEach(async () => {
  etcd = await FakeEtcd.open();
});
afterEach(() => etcd.close());

describe('tunvs fleet', () => {
  const fleet = (...words: string[]) => cli(['fleet', '--etcd', etcd.url, '--prefix', PREFIX, ...words], verbs);
  const state = (member: string, more: object = {}) =>
    etcd.put(`${PREFIX}/state/${member}`, JSON.stringify({ ...STATE, ...more }));

  it('lists the directors, and says who disagrees and why', async () => {
    state('lb1', { role: 'active' });
    state('lb2', { role: 'standby' });
    etcd.put(`${PREFIX}/drain/lb1`, '{"sinceMs":0}');
    state('lb3', { fingerprint: 'bbbb', revision: 4, from: 'cache', refused: 'web:1:1: no' });
    etcd.put(`${PREFIX}/drain/lb2`, '{"sinceMs":0}');
    etcd.put(`${PREFIX}/drain/lb9`, '{}');
    etcd.put(`${PREFIX}/state/odd`, 'odd');
    const { exitCode, stdout, stderr } = await fleet();
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.deepEqual(stdout.split('\n'), [
      '/tunvs/site: 3 directors, 1 of which disagrees',
      'DIRECTOR  ROLE     VERSION  REVISION  FINGERPRINT  SERVERS  CONNECTIONS  UP FOR',
      'lb1       active   0.1.0    5         aaaa         1/2 up   3            2 hours  to be drained, and active all the same',
      'lb2       standby  0.1.0    5         aaaa         1/2 up   3            2 hours  to be drained',
      'lb3       -        0.1.0    4         bbbb         1/2 up   3            2 hours  disagrees, by its cache, refuses what etcd holds: web:1:1: no',
      'lb9       -        -        -         -            -        -            -        away, to be drained',
      'warning: /tunvs/site/state/odd holds no state of a director: delete it',
      '',
    ]);
    const judged = await fleet('--exit-code', '--json');
    assert.equal(judged.exitCode, 1);
    assert.match(judged.stderr, /^tunvs fleet: 1 director of 4 differs: look into the log of lb3\n$/);
    assert.equal(JSON.parse(judged.stdout).fingerprint, 'aaaa');
  });

  it('shows no control characters that somebody has put into a state', async () => {
    state('lb1', { role: '\u001b[2J' });
    const { stdout } = await fleet();
    assert.ok(!stdout.includes('\u001b'));
  });

  const wrong: [string[], number, RegExp][] = [
    [['drain', 'lb2'], 1, /no director of \/tunvs\/site is called lb2: there is lb1/],
    [['undrain', 'lb1'], 1, /nobody wishes that lb1 is drained: no director is/],
    [['drain'], 2, /drain needs the name of a director/],
    [['stop', 'lb1'], 2, /"stop" is nothing to do with a fleet/],
    [['--etcd-cert', 'x'], 2, /--etcd-cert and --etcd-key belong together/],
    [['--etcd-ca', '/nowhere'], 1, /--etcd-ca \/nowhere: there is no such file/],
    [['--etcd-user', 'lb', '--etcd-password-file', '/dev/null'], 2, /it is empty/],
    [['--etcd-password-file', '/dev/null'], 2, /is for --etcd-user/],
    [['--etcd', 'nowhere'], 2, /"nowhere": it is no URL/],
    [['--prefix', 'site/'], 2, /it has to begin with \//],
  ];
  for (const [words, code, says] of wrong) {
    it(`refuses ${words.join(' ')}`, async () => {
      state('lb1');
      const { exitCode, stderr } = await fleet(...words);
      assert.equal(exitCode, code, stderr);
      assert.match(stderr, says);
    });
  }

  it('says what is missing', async () => {
    assert.match((await cli(['fleet'], verbs)).stderr, /give --etcd/);
    assert.match((await cli(['fleet', '--etcd', etcd.url], verbs)).stderr, /give --prefix/);
  });
});

describe('the options of etcd', () => {
  it('take the password of a variable or of a file, and warn where it is sent in the clear', async () => {
    const given = { etcd: ['http://10.2.0.5:2379', 'http://127.0.0.1:2379'], prefix: PREFIX, etcdUser: 'lb' };
    await assert.rejects(etcdOf(given, {}), /give the password in the variable TUNVS_ETCD_PASSWORD/);
    const { warnings } = await etcdOf(given, { [PASSWORD_VARIABLE]: 'secret' });
    assert.match(warnings.join(), /goes to http:\/\/10\.2\.0\.5:2379 for everybody/);
    const safe = { ...given, etcd: ['https://10.2.0.5:2379', 'http://localhost:2379'] };
    assert.deepEqual((await etcdOf(safe, { [PASSWORD_VARIABLE]: 'secret' })).warnings, []);
  });
});

describe('tunvs run --etcd', () => {
  let runs: FleetRuns;

  beforeEach(() => {
    runs = new FleetRuns(etcd);
  });
  afterEach(() => runs[Symbol.asyncDispose]());

  const configuration = (more: RunOptions = {}) => runs.configuration(more);
  const run = (more: RunOptions = {}) => runs.run(more);
  const saved = () => runs.saved();

  const holds = (weights: () => string[], ...wanted: string[]) =>
    eventually(
      async () => weights().join(),
      (seen) => seen === wanted.join(),
      `the servers are ${wanted}`,
    );

  it('plans what etcd holds', async () => {
    const { lines } = await (await configuration()).plan();
    assert.deepEqual(lines, [
      'service tcp 192.0.2.1:80 is added',
      'service tcp 192.0.2.1:80: server 10.3.0.11:80 is added',
    ]);
  });

  it('follows etcd, keeps what is in force on disk, and tells it to the fleet', async () => {
    const { weights, end } = await run();
    assert.deepEqual(weights(), ['10.3.0.11=3']);
    etcd.put(`${WEB}/servers/a`, '{ address: 10.3.0.11, weight: 4 }');
    const revision = etcd.put(`${WEB}/servers/b`, '10.3.0.12');
    await holds(weights, '10.3.0.11=4', '10.3.0.12=1');
    await eventually(
      async () => saved().changedAt === revision,
      (isSo) => isSo,
      'the newest is kept',
    );
    const told = () => JSON.parse(etcd.keys.get(`${PREFIX}/state/lb1`)?.value ?? '{}') as { servers?: number };
    await eventually(
      async () => told().servers,
      (servers) => servers === 2,
      'the fleet is told',
    );
    await end();
    assert.equal(etcd.keys.has(`${PREFIX}/state/lb1`), false);
  });

  it('refuses a bad key with all that came together with it, and takes it once it is mended', async () => {
    const { weights } = await run();
    etcd.put(`${WEB}/servers/a`, '{ address: 10.3.0.11, weight: 9 }');
    etcd.put(`${WEB}/servers/b`, '{ address: 10.3.0.12, weight: heavy }');
    await eventually(
      async () => runs.told.join('\n'),
      (text) => /refused: \/tunvs\/site\/services\/web\/servers\/b:1:\d+: .*weight/.test(text),
      'the key is named',
    );
    assert.deepEqual(weights(), ['10.3.0.11=3']);
    await eventually(
      async () => etcd.keys.get(`${PREFIX}/state/lb1`)?.value ?? '',
      (text) => text.includes('"refused"'),
      'the fleet is told',
    );
    etcd.put(`${WEB}/servers/b`, '10.3.0.12');
    await holds(weights, '10.3.0.11=9', '10.3.0.12=1');
    await eventually(
      async () => etcd.keys.get(`${PREFIX}/state/lb1`)?.value ?? '',
      (text) => !text.includes('"refused"'),
      'the fleet is told',
    );
  });

  it('keeps what is in force when all keys are gone, and takes an empty fleet that is meant', async () => {
    const { weights } = await run();
    etcd.delete(WEB, `${WEB}/servers/a`);
    await eventually(
      async () => runs.told.join('\n'),
      (text) => /etcd holds nothing below this prefix/.test(text),
      'it is told',
    );
    assert.deepEqual(weights(), ['10.3.0.11=3']);
    etcd.put(`${PREFIX}/director`, '{}');
    await holds(weights);
  });

  it('starts by its cache while etcd is away, and follows etcd once it is back', async () => {
    await (await run()).end();
    await etcd.close();
    const { weights } = await run();
    assert.match(
      runs.told.join('\n'),
      /fleet\.away: etcd gives no configuration .* revision 3, which .*lb1\.json has kept for/,
    );
    assert.match(runs.told.join('\n'), /revision 3 of the cache is in force/);
    assert.deepEqual(weights(), ['10.3.0.11=3']);
    etcd.put(`${WEB}/servers/a`, '10.3.0.11');
    await etcd.listen();
    await holds(weights, '10.3.0.11=1');
    await eventually(
      async () => runs.told.join('\n'),
      (text) => /fleet\.back: etcd is back/.test(text),
      'it is told',
    );
  });

  it('is no longer by its cache once etcd holds the same', async () => {
    await (await run()).end();
    await etcd.close();
    await run();
    const state = async () => etcd.keys.get(`${PREFIX}/state/lb1`)?.value ?? '';
    await etcd.listen();
    await eventually(state, (text) => text.includes('"from":"etcd"'), 'the fleet is told');
  });

  it('starts by its cache when etcd holds a mistake, and says both', async () => {
    await (await run()).end();
    etcd.put(WEB, 'listen: nonsense');
    const { weights } = await run();
    assert.deepEqual(weights(), ['10.3.0.11=3']);
    assert.match(
      runs.told.join('\n'),
      /the configuration in etcd is refused, and the configuration of revision 3.*services\/web:1/s,
    );
    await eventually(
      async () => etcd.keys.get(`${PREFIX}/state/lb1`)?.value ?? '',
      (text) => /"from":"cache","refused":".*services\/web:1/.test(text),
      'the fleet is told',
    );
    etcd.put(WEB, 'listen: tcp 192.0.2.1:80');
    etcd.put(`${WEB}/servers/b`, '10.3.0.12');
    await holds(weights, '10.3.0.11=3', '10.3.0.12=1');
  });

  it('does not start without etcd and without a cache, nor with a prefix that is empty', async () => {
    await assert.rejects(
      configuration({ prefix: '/tunvs/other' }),
      /etcd holds nothing below this prefix: put services there/,
    );
    await etcd.close();
    await assert.rejects(
      configuration(),
      /etcd gives no configuration .*nobody listens there.*, and there is no .*lb1\.json yet/,
    );
  });

  it('takes what the director is itself from its own file', async () => {
    const text = 'source: 10.2.0.2\nmaxConnections: 65536\nservices: [{ listen: "tcp 192.0.2.7:80" }]\n';
    const own = runs.write('own.yaml', text);
    const { open, plan } = await configuration({ config: own, source: undefined } as RunOptions);
    assert.equal(open.maxConnections, 65_536);
    assert.equal((await plan()).services.length, 2);
  });

  it('refuses options that do not go together', async () => {
    const refused: [RunOptions, RegExp][] = [
      [{ rules: 'x' }, /--etcd excludes --rules and --keepalived/],
      [{ source: undefined } as RunOptions, /etcd does not name the director's own address/],
      [{ etcd: undefined } as RunOptions, /--prefix is for --etcd/],
    ];
    for (const [options, says] of refused)
      await assert.rejects(configuration(options), (error) => error instanceof UsageError && says.test(error.message));
  });

  it('has names and places by default', () => {
    assert.equal(memberOf({}, 'lb1'), 'lb1');
    assert.equal(memberOf({ name: 'web' }, 'lb1'), 'lb1:web');
    assert.equal(
      cacheFileOf({ name: 'web' }, { STATE_DIRECTORY: '/var/lib/tunvs:/x' }),
      '/var/lib/tunvs/web.etcd.json',
    );
    assert.match(cacheFileOf({}, {}), /\/tunvs\.etcd\.json$/);
    assert.deepEqual([0, 1000, 119_000, 120_000, 3 * 86_400_000].map(ageText), [
      '0 seconds',
      '1 second',
      '119 seconds',
      '2 minutes',
      '3 days',
    ]);
  });
});
