/** A fleet of two directors by Debian's etcd: killed, partitioned, compacted, and with users. */
import { strict as assert } from 'node:assert';
import type { FleetView } from '../../lib/fleet/overview.js';
import { authority, clientCertificate, serverCertificate } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { describeLab, Lab, type LabHost, type LabProcess } from '../support/lab.js';
import { MAIN, Operated } from '../support/operated.js';

const ENDPOINT = 'http://10.2.0.5:2379';
const PREFIX = '/tunvs/site';
const WEB = `${PREFIX}/services/web`;
const FLEET = ['--etcd', ENDPOINT, '--prefix', PREFIX];
const base64 = (text: string) => Buffer.from(text).toString('base64');

describeLab('a fleet by etcd', function () {
  this.timeout(120_000);
  let lab: Lab;
  let store: LabHost;
  let etcd: LabProcess;
  const directors: Operated[] = [];

  before(async () => {
    lab = Lab.create();
    store = await lab.addHost('etcd');
    store.ip(['link add br0 type bridge', 'link set br0 up', 'address add 10.2.0.5/24 dev br0']);
    for (const at of [1, 2]) {
      const host = await lab.addHost(`lb${at}`);
      lab.connect(host, 'lan', store, `port${at}`);
      store.ip([`link set port${at} master br0`]);
      host.ip([`address add 10.2.0.${at}/24 dev lan`]);
      directors.push(new Operated(host));
    }
    await startEtcd();
  });

  after(async () => {
    for (const each of directors) await each[Symbol.asyncDispose]();
    await lab?.dispose();
  });

  /** What etcd holds is in the folder of the first director. */
  const folder = () => (directors[0] as Operated).path('etcd');

  async function startEtcd(): Promise<void> {
    etcd = store.spawn([
      ...['etcd', '--data-dir', folder(), '--listen-client-urls', 'http://10.2.0.5:2379', '--log-level', 'error'],
      ...['--advertise-client-urls', ENDPOINT, '--listen-peer-urls', 'http://127.0.0.1:2380'],
    ]);
    await eventually(
      () => store.tryExec(['curl', '-sf', '-m', '1', `${ENDPOINT}/health`]),
      ({ stdout }) => stdout.includes('true'),
      'etcd is there',
    );
  }

  async function ask(path: string, body: object, token?: string): Promise<Record<string, unknown>> {
    const header = token === undefined ? [] : ['-H', `authorization: ${token}`];
    const { stdout } = await store.exec([
      'curl',
      '-sS',
      ...header,
      `${ENDPOINT}/v3/${path}`,
      '-d',
      JSON.stringify(body),
    ]);
    return JSON.parse(stdout) as Record<string, unknown>;
  }

  async function put(key: string, value: string): Promise<string> {
    const { header } = await ask('kv/put', { key: base64(key), value: base64(value) });
    return (header as { revision: string }).revision;
  }

  async function start(at: 1 | 2, ...more: string[]): Promise<LabProcess> {
    const operated = directors[at - 1] as Operated;
    const words = [
      ...FLEET,
      '--source',
      `10.2.0.${at}`,
      '--queues',
      '1',
      '--etcd-member',
      `lb${at}`,
      '--etcd-lease',
      '2',
    ];
    return operated.start([...words, '--etcd-cache', operated.path('cache.json'), ...more]);
  }

  async function fleet(...words: string[]): Promise<FleetView> {
    const { stdout } = await store.exec([process.execPath, MAIN, 'fleet', ...FLEET, '--json', ...words]);
    return JSON.parse(stdout) as FleetView;
  }

  const who = (view: FleetView) =>
    view.directors.map(({ member, disagrees }) => `${member}${disagrees ? '!' : ''}`).join();

  const holds = (at: 1 | 2, weights: Record<string, number>) =>
    eventually(
      () => (directors[at - 1] as Operated).weights(),
      (seen) => JSON.stringify(seen) === JSON.stringify(weights),
      `lb${at} holds ${JSON.stringify(weights)}`,
    );

  it('is followed, partitioned, compacted, killed and started by what is on disk', async () => {
    await put(WEB, 'listen: tcp 10.9.9.9:80\nscheduler: wrr');
    await put(`${WEB}/servers/a`, '{ address: 10.2.0.11, weight: 3 }');
    const [first, second] = await Promise.all([start(1), start(2)]);
    assert.equal(
      who(
        await eventually(
          () => fleet(),
          (view) => view.directors.length === 2,
          'both are there',
        ),
      ),
      'lb1,lb2',
    );

    // A director that is cut off keeps what it has, and leaves the list.
    store.ip(['link set port2 down']);
    await put(`${WEB}/servers/a`, '{ address: 10.2.0.11, weight: 4 }');
    const revision = await put(`${WEB}/servers/b`, '10.2.0.12');
    await ask('kv/compaction', { revision });
    await holds(1, { '10.2.0.11': 4, '10.2.0.12': 1 });
    await eventually(
      () => fleet(),
      (view) => who(view) === 'lb1',
      'lb2 is away',
    );
    assert.match(
      second.stderr,
      /etcd is away, and revision \d+ stays in force: http:\/\/10\.2\.0\.5:2379: no answer within 600 ms/,
    );
    await holds(2, { '10.2.0.11': 3 });

    // What it has missed is compacted, so that it reads all of it.
    store.ip(['link set port2 up']);
    await holds(2, { '10.2.0.11': 4, '10.2.0.12': 1 });
    await eventually(
      () => fleet(),
      (view) => who(view) === 'lb1,lb2',
      'both agree',
    );
    assert.match(second.stderr, /etcd is back after/);

    // Without etcd both go on, and one starts by what it has kept.
    etcd.kill('SIGKILL');
    await etcd.exited;
    await second.stop();
    const third = await start(2);
    assert.match(
      third.stderr,
      /gives no configuration .*: the configuration of revision \d+, which .*cache\.json has kept for/,
    );
    await holds(2, { '10.2.0.11': 4, '10.2.0.12': 1 });
    await holds(1, { '10.2.0.11': 4, '10.2.0.12': 1 });
    await startEtcd();
    await put(`${WEB}/servers/b`, '{ address: 10.2.0.12, weight: 7 }');
    await Promise.all([holds(1, { '10.2.0.11': 4, '10.2.0.12': 7 }), holds(2, { '10.2.0.11': 4, '10.2.0.12': 7 })]);
    await eventually(
      () => fleet(),
      (view) => who(view) === 'lb1,lb2',
      'both are back',
    );
    assert.match(first.stderr, /etcd is back after/);
    for (const each of directors) await each.stop();
    assert.deepEqual((await fleet()).directors, []);
  });

  it('checks each server once, and goes on when the prober is killed', async () => {
    store.ip(['address add 10.2.0.21/24 dev br0']);
    store.spawn([
      process.execPath,
      '-e',
      "require('node:net').createServer((s) => s.destroy()).listen(80, '10.2.0.21')",
    ]);
    await ask('kv/deleterange', { key: base64(`${WEB}/`), range_end: base64(`${WEB}0`) });
    await put(
      WEB,
      'listen: tcp 10.9.9.9:80\nhealth: { check: tcp, via: address, interval: 200ms }\nservers: [10.2.0.21]',
    );
    const prober = await start(1, '--etcd-share-checks');
    const probes = (view: FleetView) =>
      view.directors.map(({ member, state }) => `${member} ${state?.probedServices}`).join();
    await eventually(
      () => fleet(),
      (view) => probes(view) === 'lb1 1',
      'lb1 checks',
    );
    await start(2, '--etcd-share-checks');
    const other = directors[1] as Operated;
    const found = async () => {
      const [service] = await other.health();
      const [server] = service?.servers ?? [];
      return `${server?.state}: ${server?.last?.message}`;
    };
    await eventually(found, (seen) => /^up: .*\(found by lb1\)$/.test(seen), 'lb2 goes by lb1');
    prober.kill('SIGKILL');
    await eventually(
      () => fleet(),
      (view) => probes(view) === 'lb2 1',
      'lb2 checks',
    );
    await eventually(found, (seen) => /^up: /.test(seen) && !seen.includes('found by'), 'lb2 checks by itself');
    for (const each of directors) await each.stop();
  });

  it('has users, whose tokens end', async () => {
    for (const [name, password] of [
      ['root', 'r'],
      ['lb', 'secret'],
    ] as const)
      await ask('auth/user/add', { name, password });
    for (const name of ['root', 'lb']) await ask('auth/role/add', { name });
    for (const name of ['root', 'lb']) await ask('auth/user/grant', { user: name, role: name });
    const perm = { permType: 'READWRITE', key: base64(`${PREFIX}/`), range_end: base64(`${PREFIX}0`) };
    await ask('auth/role/grant', { name: 'lb', perm });
    await ask('auth/enable', {});
    const operated = directors[0] as Operated;
    const refused = await store.tryExec([process.execPath, MAIN, 'fleet', ...FLEET]);
    assert.match(refused.stderr, /who you are: give --etcd-user/);
    const file = operated.write('password', 'secret\n');
    const user = ['--etcd-user', 'lb', '--etcd-password-file', file];
    const daemon = await start(1, ...user);
    await eventually(
      () => fleet(...user),
      (view) => who(view) === 'lb1',
      'lb1 is there',
    );
    // Tokens do not outlive etcd.
    etcd.kill('SIGKILL');
    await etcd.exited;
    await startEtcd();
    await eventually(
      async () => daemon.stderr,
      (text) => /etcd is back/.test(text),
      'lb1 has another token',
    );
    assert.equal(who(await fleet(...user)), 'lb1');
    const foreign = await store.tryExec([
      process.execPath,
      MAIN,
      'fleet',
      '--etcd',
      ENDPOINT,
      '--prefix',
      '/other',
      ...user,
    ]);
    assert.match(foreign.stderr, /permission denied: grant the user the keys below the prefix/);
    await operated.stop();
  });

  it('is asked by TLS, with certificates at both ends', async () => {
    const operated = directors[0] as Operated;
    const file = (name: string, { cert, key }: { cert: string; key: string }) => ({
      cert: operated.write(`${name}.pem`, cert),
      key: operated.write(`${name}.key`, key),
    });
    const [ca, server, client] = [
      file('ca', authority),
      file('server', serverCertificate),
      file('client', clientCertificate),
    ];
    const hosts = operated.write('hosts', '10.2.0.5 server.example.org\n');
    const url = 'https://server.example.org:2380';
    store.spawn([
      ...['etcd', '--data-dir', operated.path('secure'), '--log-level', 'error'],
      ...['--listen-client-urls', 'https://10.2.0.5:2380', '--advertise-client-urls', url],
      ...['--listen-peer-urls', 'http://127.0.0.1:2381', '--initial-advertise-peer-urls', 'http://127.0.0.1:2381'],
      ...['--initial-cluster', 'default=http://127.0.0.1:2381', '--cert-file', server.cert, '--key-file', server.key],
      ...['--client-cert-auth', '--trusted-ca-file', ca.cert],
    ]);
    // The name stands in no DNS.
    const named = (...words: string[]) => {
      const command = [process.execPath, MAIN, 'fleet', '--etcd', url, '--prefix', PREFIX, ...words].join(' ');
      return store.tryExec(['unshare', '-m', 'sh', '-ec', `mount --bind ${hosts} /etc/hosts; exec ${command}`]);
    };
    const mine = ['--etcd-cert', client.cert, '--etcd-key', client.key];
    const trusted = ['--etcd-ca', ca.cert];
    const listed = await eventually(
      () => named(...trusted, ...mine),
      ({ code }) => code === 0,
      'etcd answers by TLS',
    );
    assert.equal(listed.stdout, `${PREFIX}: 0 directors\n`);
    assert.match((await named(...mine)).stderr, /signed by nobody who is trusted: name the authority by --etcd-ca/);
    assert.match(
      (await named(...trusted)).stderr,
      /it (asks for a certificate: give --etcd-cert|refuses the certificate)/,
    );
    const plain = await store.tryExec([
      process.execPath,
      MAIN,
      'fleet',
      '--etcd',
      'http://10.2.0.5:2380',
      '--prefix',
      '/a',
    ]);
    assert.match(plain.stderr, /^tunvs fleet: http:\/\/10\.2\.0\.5:2380: /);
  });
});
