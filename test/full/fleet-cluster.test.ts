/**
 * Two directors by three members of Debian's etcd: the leader is killed, a member is cut off, a revision is compacted that
 * a director has not seen, all of etcd goes, a director begins without it; and both are drained.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import type { FleetCondition } from '../../lib/fleet/membership.js';
import type { FleetView } from '../../lib/fleet/overview.js';
import { base64, EtcdCluster, type EtcdMember } from '../support/etcd-cluster.js';
import { eventually } from '../support/eventually.js';
import { describeLab, Lab, type LabHost, type LabProcess } from '../support/lab.js';
import { MAIN, Operated } from '../support/operated.js';

const PREFIX = '/tunvs/site';
const WEB = `${PREFIX}/services/web`;
const SERVER = `${WEB}/servers/a`;
const VIP = '10.9.9.9';

describeLab('a fleet by three members of etcd', function () {
  this.timeout(120_000);
  let lab: Lab;
  let bridge: LabHost;
  let cluster: EtcdCluster;
  // A state lies on a tmpfs.
  const states = mkdtempSync('/dev/shm/tunvs-fleet-');
  const directors: Operated[] = [];
  const running: (LabProcess | undefined)[] = [];

  before(async () => {
    lab = Lab.create();
    bridge = await lab.addHost('bridge');
    bridge.ip(['link add br0 type bridge', 'link set br0 up', 'address add 10.2.0.250/24 dev br0']);
    for (const at of [1, 2]) {
      const host = await lab.addHost(`lb${at}`);
      lab.connect(host, 'lan', bridge, `port${at}`);
      bridge.ip([`link set port${at} master br0`]);
      host.ip([`address add 10.2.0.${at}/24 dev lan`]);
      directors.push(new Operated(host));
    }
    cluster = await EtcdCluster.open(lab, bridge);
    cluster.start();
    await cluster.put(WEB, `listen: tcp ${VIP}:80\nscheduler: wrr`);
    await cluster.put(SERVER, '{ address: 10.2.0.11, weight: 1 }');
    await Promise.all([start(1), start(2)]);
  });

  after(async () => {
    for (const each of directors) await each[Symbol.asyncDispose]();
    await lab?.dispose();
    cluster?.[Symbol.dispose]();
    rmSync(states, { recursive: true, force: true });
  });

  const operated = (at: 1 | 2) => directors[at - 1] as Operated;
  const daemon = (at: 1 | 2) => running[at - 1] as LabProcess;

  /** Its file names the fleet: there is no option but that. */
  async function start(at: 1 | 2, ...more: string[]): Promise<void> {
    const etcd = {
      ...{ endpoints: cluster.endpoints.split(','), prefix: PREFIX, member: `lb${at}` },
      ...{ lease: '2s', cache: 'cache.json' },
    };
    const own = { source: `10.2.0.${at}`, device: { queues: 1 }, maxConnections: 65_536, state: `${states}/${at}` };
    const file = operated(at).write('own.json', JSON.stringify({ ...own, etcd }));
    running[at - 1] = await operated(at).start(['--config', file, ...more]);
  }

  const tunvs = (...words: string[]) => bridge.tryExec([process.execPath, MAIN, ...words]);
  const fleet = (...words: string[]) => tunvs('fleet', '--etcd', cluster.endpoints, '--prefix', PREFIX, ...words);
  const view = async () => JSON.parse((await fleet('--json')).stdout) as FleetView;

  const weigh = (weight: number, among?: readonly EtcdMember[]) =>
    cluster.put(SERVER, `{ address: 10.2.0.11, weight: ${weight} }`, among);

  const holds = (at: 1 | 2, weight: number) =>
    eventually(
      () => operated(at).weights(),
      (seen) => seen['10.2.0.11'] === weight,
      `lb${at} holds the weight ${weight}`,
    );

  async function condition(at: 1 | 2): Promise<FleetCondition> {
    const { stdout } = await operated(at).curl(['http://tunvs/v1/status']);
    return (JSON.parse(stdout.slice(0, stdout.lastIndexOf('\n'))) as { fleet: FleetCondition }).fleet;
  }

  const routes = async (at: 1 | 2) => {
    const { stdout } = await operated(at).host.exec(['ip', 'route', 'show', 'table', 'all', VIP]);
    return stdout.split('\n').filter((line) => line.includes('dev tunvs')).length;
  };

  const allWell = () =>
    eventually(
      view,
      ({ directors: all }) =>
        all.length === 2 && all.every(({ state, disagrees }) => state?.from === 'etcd' && !state.refused && !disagrees),
      'both are there and agree',
    );

  it('goes on when the leader is killed', async () => {
    const leader = await cluster.leader();
    await cluster.kill(leader);
    const left = cluster.members.filter((each) => each !== leader);
    await weigh(2, left);
    await Promise.all([holds(1, 2), holds(2, 2)]);
    await allWell();
    cluster.start(leader);
    await cluster.leader();
  });

  it('turns away from a member that is cut off, whoever is asked by it', async () => {
    const asked = (await condition(1)).endpoint;
    const member = cluster.members.find(({ endpoint }) => endpoint === asked) as EtcdMember;
    cluster.link(member, 'down');
    const left = cluster.members.filter((each) => each !== member);
    await weigh(3, left);
    await Promise.all([holds(1, 3), holds(2, 3)]);
    const turned = await condition(1);
    assert.ok(turned.isConnected && turned.endpoint !== asked, JSON.stringify(turned));
    cluster.link(member, 'up');
    await allWell();
  });

  it('reads anew what was compacted while a director was cut off', async () => {
    bridge.ip(['link set port2 down']);
    await weigh(4);
    const revision = await weigh(5);
    await cluster.ask('kv/compaction', { revision, physical: true });
    await holds(1, 5);
    await eventually(
      () => condition(2),
      ({ isConnected, hasLease }) => !isConnected && !hasLease,
      'lb2 knows that it is cut off',
    );
    const { revision: inForce, newestRevision } = await condition(2);
    assert.equal(inForce, newestRevision);
    assert.ok(inForce < Number(revision));
    await holds(2, 3);
    bridge.ip(['link set port2 up']);
    await holds(2, 5);
    await allWell();
  });

  it('goes on without etcd, and a director begins without it', async () => {
    await cluster.kill(...cluster.members);
    await eventually(
      () => condition(1),
      ({ isConnected }) => !isConnected,
      'lb1 knows that etcd is away',
    );
    daemon(2).kill('SIGKILL');
    await daemon(2).exited;
    await start(2);
    assert.match(
      daemon(2).stderr,
      /gives no configuration .*: the configuration of revision \d+, which .* has kept for/,
    );
    await Promise.all([holds(1, 5), holds(2, 5)]);
    assert.deepEqual([await routes(1), await routes(2)], [1, 1]);
    const { from, isConnected } = await condition(2);
    assert.deepEqual([from, isConnected], ['cache', false]);
    assert.match((await operated(2).tunvs('status')).stdout, /^fleet .*lb2 of \/tunvs\/site +etcd has been away for/m);
    const { stdout: metrics } = await operated(2).curl(['http://tunvs/metrics']);
    assert.match(metrics, /^tunvs_fleet_connected 0\n(.*\n)*tunvs_fleet_cached 1$/m);

    cluster.start();
    await weigh(6);
    await Promise.all([holds(1, 6), holds(2, 6)]);
    await allWell();
    assert.equal((await condition(2)).from, 'etcd');
  });

  it('begins by its cache where its host refuses what etcd holds, and takes that once it does not', async () => {
    const { host } = operated(1);
    host.ip(['address add 10.9.9.8/32 dev lo']);
    await cluster.put(`${PREFIX}/services/other`, 'listen: tcp 10.9.9.8:80');
    const refused = await eventually(
      () => condition(1),
      (each) => each.refused !== undefined,
      'lb1 refuses it',
    );
    assert.match(refused.refused ?? '', /10\.9\.9\.8 is an address of this host/);
    await operated(1).stop();
    await start(1);
    assert.match(daemon(1).stderr, /the configuration in etcd is refused, and the configuration of revision \d+, /);
    await holds(1, 6);
    assert.deepEqual([await routes(1), (await condition(1)).from], [1, 'cache']);
    const judged = await fleet('--exit-code');
    assert.equal(judged.code, 1);
    assert.match(judged.stdout, /lb1 +active .*by its cache, refuses what etcd holds: 10\.9\.9\.8 is an address/);
    host.ip(['address del 10.9.9.8/32 dev lo']);
    const reloaded = await operated(1).tunvs('reload');
    assert.equal(reloaded.code, 0, reloaded.stderr);
    await allWell();
  });

  it('drains one director after the other, whose host has no route then', async () => {
    const lb1 = await fleet('drain', 'lb1');
    assert.match(lb1.stdout, /^lb1 is drained: it is a standby now/, lb1.stderr);
    assert.deepEqual([await routes(1), await routes(2)], [0, 1]);
    const refused = await fleet('drain', 'lb2');
    assert.match(refused.stderr, /no other director would be left to forward in the place of lb2/);
    // A director that is started anew while it is drained attracts nothing, not for a moment.
    await operated(1).stop();
    await start(1);
    assert.match(daemon(1).lines.join('\n'), /ready as a standby/);
    assert.equal(await routes(1), 0);
    // Nor does one that takes its place.
    const before = daemon(1);
    await start(1, '--takeover');
    assert.equal((await before.exited).code, 0);
    assert.match(daemon(1).stderr, /this director \(lb1\) is to be drained, .*: it is a standby now/);
    assert.equal(await routes(1), 0);
    const undrained = await fleet('undrain', 'lb1');
    assert.match(undrained.stdout, /lb1 is no longer to be drained: it is active/, undrained.stderr);
    assert.deepEqual([await routes(1), await routes(2)], [1, 1]);
  });

  it('drains both in turn by one command, with a turn that restarts each', async () => {
    await allWell();
    const turns: string[] = [];
    // The command says who has its turn, and waits until the director runs anew.
    const command = 'echo "turn of $TUNVS_DIRECTOR"; while [ ! -e "$TURN.$TUNVS_DIRECTOR" ]; do sleep 0.1; done';
    const rolling = bridge.spawn(
      [
        ...[process.execPath, MAIN, 'fleet', '--etcd', cluster.endpoints, '--prefix', PREFIX],
        ...['drain', '--rolling', '--json', '--wait', '1', '--timeout', '30', '--run', command],
      ],
      { TURN: operated(1).path('turn') },
    );
    for (const at of [1, 2] as const) {
      await eventually(
        async () => rolling.stderr,
        (text) => text.includes(`turn of lb${at}`),
        `lb${at} has its turn: ${rolling.lines}`,
      );
      assert.deepEqual([await routes(at), await routes(at === 1 ? 2 : 1)], [0, 1]);
      await operated(at).stop();
      await start(at);
      turns.push(`lb${at}`);
      operated(1).write(`turn.lb${at}`, '');
    }
    const { code } = await rolling.exited;
    assert.equal(code, 0, `${rolling.lines} ${rolling.stderr}`);
    assert.deepEqual(JSON.parse(rolling.lines.at(-1) ?? ''), { event: 'done', done: turns });
    assert.deepEqual([await routes(1), await routes(2)], [1, 1]);
  });

  it('undrains the director at hand, and says so, when the command is ended by Ctrl-C', async () => {
    // So that lb1 waits for somebody who takes over.
    await operated(2).tunvs('role', 'standby');
    await eventually(
      view,
      ({ directors: all }) => all.find(({ member }) => member === 'lb2')?.state?.role === 'standby',
      'lb2 is a standby',
    );
    const command = ['drain', '--rolling', '--failover', '--run', 'true', 'lb1'];
    const rolling = bridge.spawn([
      ...[process.execPath, MAIN, 'fleet', '--etcd', cluster.endpoints, '--prefix', PREFIX],
      ...command,
    ]);
    await eventually(
      () => routes(1),
      (many) => many === 0,
      'lb1 is drained',
    );
    rolling.kill('SIGINT');
    assert.equal((await rolling.exited).code, 130);
    assert.deepEqual(rolling.lines, [
      'lb1: asked to drain',
      'lb1: no longer to be drained, as its turn has not begun',
      'stopped: no director has had its turn, and lb1 not',
    ]);
    await eventually(
      () => routes(1),
      (many) => many === 1,
      'lb1 is active again',
    );
    const { count = '0' } = await cluster.ask('kv/range', { key: base64(`${PREFIX}/drain/lb1`) });
    assert.equal(count, '0');
  });
});
