/** The field `etcd` of a configuration file: what it takes, and that it does what the options do. */
import { strict as assert } from 'node:assert';
import { withEtcdOf } from '../../lib/cli/run/etcd-of-file.js';
import { parseConfig } from '../../lib/config/parse-config.js';
import { printConfig } from '../../lib/config/print-spec.js';
import { SpecSession } from '../../lib/config/apply/spec-session.js';
import { Director } from '../../lib/director/director.js';
import { verbs } from '../../lib/cli/verbs/index.js';
import { cli } from '../support/cli.js';
import type { FakeEtcd } from '../support/fake-etcd.js';
import { beforeEachFleet, type FleetRuns, PREFIX } from '../support/fleet-runs.js';

const parsed = (etcd: object) =>
  parseConfig(JSON.stringify({ source: '10.2.0.2', etcd }), { path: '/etc/tunvs/own.yaml' });
const LEAST = { endpoints: ['https://10.2.0.5:2379'], prefix: '/tunvs/site' };

describe('the field etcd', () => {
  it('takes all that the options take, with paths relative to the file', () => {
    const given = {
      ...{ ...LEAST, member: 'lb1', lease: '4s', cache: 'cache.json', shareChecks: true },
      ...{ ca: 'ca.pem', cert: '/tls/cert.pem', key: 'key.pem', user: 'lb', password: { file: 'secret' } },
    };
    const found = parsed(given);
    assert.ok('spec' in found, JSON.stringify(found));
    const { etcdNames: _, ...options } = withEtcdOf({}, found.spec.etcd);
    assert.deepEqual(options, {
      ...{ etcd: LEAST.endpoints, prefix: LEAST.prefix, etcdMember: 'lb1', etcdLease: 4 },
      ...{ etcdCache: '/etc/tunvs/cache.json', etcdShareChecks: true },
      ...{ etcdCa: '/etc/tunvs/ca.pem', etcdCert: '/tls/cert.pem', etcdKey: '/etc/tunvs/key.pem' },
      ...{ etcdUser: 'lb', etcdPasswordFile: '/etc/tunvs/secret' },
    });
    const again = parseConfig(printConfig(found.spec), { path: '/etc/tunvs/own.yaml' });
    assert.ok('spec' in again, JSON.stringify(again));
    assert.deepEqual(again.spec.etcd, found.spec.etcd);
  });

  it('counts less than the command line, whose user has another password', () => {
    const found = parsed({ ...LEAST, user: 'lb', password: { env: 'SECRET' }, lease: '4s' });
    assert.ok('spec' in found);
    assert.equal(withEtcdOf({}, found.spec.etcd).etcdPasswordVariable, 'SECRET');
    const said = withEtcdOf({ etcd: ['http://127.0.0.1:1'], etcdLease: 9, etcdUser: 'me' }, found.spec.etcd);
    assert.deepEqual(
      [said.etcd, said.prefix, said.etcdLease, said.etcdUser, said.etcdPasswordVariable],
      [['http://127.0.0.1:1'], LEAST.prefix, 9, 'me', undefined],
    );
    assert.deepEqual(said.etcdNames, { ca: 'etcd.ca', cert: 'etcd.cert', key: 'etcd.key' });
  });

  const wrong: [string, object, RegExp][] = [
    ['no endpoint', { ...LEAST, endpoints: [] }, /etcd\.endpoints/],
    ['an endpoint that is none', { ...LEAST, endpoints: ['nowhere'] }, /etcd\.endpoints\[0\] it is no URL/],
    ['a prefix that is none', { ...LEAST, prefix: 'site/' }, /etcd\.prefix it has to begin with \//],
    ['a name that is none', { ...LEAST, member: 'a/b' }, /etcd\.member this is no name/],
    ['a part of a second', { ...LEAST, lease: '2500ms' }, /etcd\.lease etcd counts whole seconds/],
    ['a lease without a unit', { ...LEAST, lease: 10 }, /etcd\.lease/],
    ['a certificate without its key', { ...LEAST, cert: 'a' }, /etcd a certificate and its key belong together/],
    ['certificates without TLS', { ...LEAST, endpoints: ['http://a:1'], ca: 'a' }, /endpoints\[0\] it has no TLS/],
    ['a password without a user', { ...LEAST, password: { env: 'A' } }, /etcd\.password a password is for a user/],
    ['a password twice', { ...LEAST, user: 'a', password: { env: 'A', file: 'b' } }, /in a file or in an environment/],
    ['a field that is none', { ...LEAST, endpoint: 'a' }, /etcd\.endpoint /],
  ];
  for (const [what, etcd, says] of wrong)
    it(`refuses ${what}`, () => {
      const found = parsed(etcd);
      assert.ok('mistakes' in found, JSON.stringify(found));
      assert.match(found.mistakes.map(({ path, message }) => `${path} ${message}`).join('\n'), says);
    });

  it('shows no password that was written into the file', () => {
    for (const etcd of [
      { ...LEAST, user: 'lb', password: 'hunter2' },
      { ...LEAST, endpoints: ['https://lb:hunter2@10.2.0.5:2379'] },
    ]) {
      const found = parsed(etcd);
      assert.ok('mistakes' in found);
      const said = JSON.stringify([found.mistakes, found.warnings]);
      assert.ok(!said.includes('hunter2'), said);
    }
  });

  it('needs a restart when it has changed', async () => {
    const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 }) as unknown as Director;
    const session = new SpecSession(director);
    await session.apply({ spec: { source: '10.2.0.2' } });
    const changes = await session.plan({ spec: { source: '10.2.0.2', etcd: LEAST } });
    assert.match(changes.map(({ sentence }) => sentence).join(), /etcd: the default -> .* needs a restart/);
    await director.close();
    await session.close();
  });
});

describe('a director whose file names its fleet', () => {
  let etcd: FakeEtcd;
  let runs: FleetRuns;

  beforeEachFleet((...both) => {
    [etcd, runs] = both;
  });

  const file = (more: object = {}, etcdMore: object = {}) =>
    runs.write(
      'own.json',
      JSON.stringify({
        source: '10.2.0.2',
        etcd: { endpoints: [etcd.url], prefix: PREFIX, member: 'lb4', cache: 'own.cache', ...etcdMore },
        ...more,
      }),
    );
  const NONE = { etcd: undefined, prefix: undefined, etcdCache: undefined, etcdMember: undefined, source: undefined };
  const byFile = (config: string, more: object = {}) => runs.run({ ...NONE, config, ...more } as object);

  it('follows etcd with no option at all, and shows where each value stands', async () => {
    const services = [{ listen: 'tcp 192.0.2.7:80' }];
    const { director, weights, found } = await byFile(file({ services }));
    assert.deepEqual([director.virtualServices.length, weights()], [2, ['10.3.0.11=3']]);
    await runs.tellsFleet(/"member":"lb4"/, 'lb4');
    assert.ok(runs.has('own.cache'));
    const shown = found.shown?.() as { path: string; value: unknown }[];
    assert.equal(shown.find(({ path }) => path === 'etcd.prefix')?.value, PREFIX);
  });

  it('has the member that the command line names', async () => {
    await byFile(file(), { etcdMember: 'lb5' });
    await runs.tellsFleet(/"member":"lb5"/, 'lb5');
  });

  it('names the field whose file cannot be read', async () => {
    const refused = runs.configuration({
      ...NONE,
      config: file({}, { user: 'lb', password: { file: 'no' } }),
    } as object);
    await assert.rejects(refused, /etcd\.password .*no: there is no such file/);
    const unset = { user: 'lb', password: { env: 'TUNVS_TEST_UNSET' } };
    await assert.rejects(
      runs.configuration({ ...NONE, config: file({}, unset) } as object),
      /etcd\.user lb: give the password in the variable TUNVS_TEST_UNSET, or by etcd\.password/,
    );
  });

  it('is taken, and its mistakes are told with those of the keys', async () => {
    const config = file({ services: [{ listen: 'nonsense' }] });
    await assert.rejects(runs.configuration({ ...NONE, config } as object), /own\.json:1:.*names no service/);
  });

  it('is what tunvs fleet asks for', async () => {
    const { exitCode, stdout, stderr } = await cli(['fleet', '--config', file()], verbs);
    assert.deepEqual([exitCode, stderr], [0, '']);
    assert.equal(stdout, `${PREFIX}: 0 directors\n`);
    const none = await cli(['fleet', '--config', runs.write('none.json', '{"source":"10.2.0.2"}')], verbs);
    assert.match(none.stderr, /give --etcd with etcd's endpoints/);
  });
});
