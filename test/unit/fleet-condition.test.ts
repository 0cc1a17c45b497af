/** How a director stands to its fleet: in its status, on the screen, in metrics and behind its door. */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { fleetParts } from '../../lib/cli/status/fleet.js';
import { verbs } from '../../lib/cli/verbs/index.js';
import { createClient } from '../../lib/control/client.js';
import { status as statusSchema } from '../../lib/control/schema/status.js';
import { serveControl } from '../../lib/control/serve-control.js';
import type { FleetCondition } from '../../lib/fleet/membership.js';
import { metricsText } from '../../lib/metrics/index.js';
import { cli } from '../support/cli.js';
import { eventually } from '../support/eventually.js';
import type { FakeEtcd } from '../support/fake-etcd.js';
import { membershipOf, WELL } from '../support/fleet-condition.js';
import { beforeEachFleet, type FleetRuns, PREFIX, WEB } from '../support/fleet-runs.js';
import { measuredDirector } from '../support/measured-director.js';

describe('a director and its fleet', () => {
  let etcd: FakeEtcd;
  let runs: FleetRuns;

  beforeEachFleet((...both) => {
    [etcd, runs] = both;
  });

  it('knows what is in force, what is the newest, and whether etcd answers', async () => {
    const { found } = await runs.run();
    const condition = () => found.membership?.condition() as FleetCondition;
    const becomes = (is: (condition: FleetCondition) => boolean, what: string) =>
      eventually(async () => condition(), is, what);
    const beganMs = condition().sinceMs;
    assert.ok(Date.now() - beganMs < 60_000);
    await becomes(({ hasLease }) => hasLease, 'it has a lease');
    assert.deepEqual(condition(), {
      ...{ prefix: PREFIX, member: 'lb1', isConnected: true, sinceMs: beganMs, endpoint: etcd.url },
      ...{ revision: 3, from: 'etcd', newestRevision: 3, hasLease: true },
    });

    const refused = etcd.put(`${WEB}/servers/b`, '{ weight: heavy }');
    await becomes((each) => each.refused !== undefined, 'it refuses');
    assert.deepEqual([condition().revision, condition().newestRevision], [3, refused]);
    assert.match(condition().refused ?? '', /servers\/b/);
    const mended = etcd.put(`${WEB}/servers/b`, '10.3.0.12');
    await becomes(({ revision, refused: why }) => revision === mended && why === undefined, 'it is in force');

    // What is gone has no revision when all is read anew.
    etcd.delete(`${WEB}/servers/b`);
    const gone = etcd.revision;
    await becomes(({ revision }) => revision === gone, 'it is in force');
    const asked = etcd.asked.length;
    etcd.compact();
    etcd.cut();
    await eventually(
      async () => etcd.asked.slice(asked),
      (paths) => paths.includes('/v3/kv/range') && paths.includes('/v3/watch'),
      'it is read anew',
    );
    assert.deepEqual([condition().revision, condition().newestRevision], [gone, gone]);

    await etcd.close();
    await becomes(({ isConnected }) => !isConnected, 'etcd is away');
    assert.ok(condition().sinceMs > beganMs);
    await etcd.listen();
    await becomes(({ isConnected }) => isConnected, 'etcd is back');
  });

  it('says that it runs by its cache', async () => {
    await (await runs.run()).end();
    await etcd.close();
    const { found } = await runs.run();
    const condition = found.membership?.condition();
    assert.deepEqual([condition?.from, condition?.isConnected, condition?.hasLease], ['cache', false, false]);
  });

  it('is answered for by the control API, which gives the last word about the role', async () => {
    const { found, director } = await runs.run();
    const path = join(runs.folder, 'tunvs.sock');
    const fleet = found.membership as NonNullable<typeof found.membership>;
    const door = await serveControl(director, { socket: { path }, fleet });
    const client = createClient({ socket: path });
    const role = (...words: string[]) => cli(['role', ...words, '--socket', path], verbs);
    try {
      const { fleet: shown } = statusSchema.parse(await client.status());
      assert.deepEqual([shown?.member, shown?.prefix, shown?.isConnected], ['lb1', PREFIX, true]);
      assert.equal((await client.role()).drain, undefined);
      etcd.put(`${PREFIX}/drain/lb1`, '{"sinceMs":5,"by":"me"}');
      await runs.tells(/it is a standby now/);
      assert.deepEqual((await client.role()).drain, { sinceMs: 5, by: 'me' });
      assert.deepEqual(await role(), { exitCode: 0, stdout: 'standby\n', stderr: '' });
      const active = await role('active');
      assert.deepEqual([active.exitCode, active.stdout], [0, 'active\n']);
      assert.match(
        active.stderr,
        /^tunvs role: the director is to be drained, as me wishes, and is active all the same: /,
      );
      assert.equal(director.role, 'active');
      etcd.delete(`${PREFIX}/drain/lb1`);
      await runs.tells(/it is active, as somebody has set it meanwhile/);
      assert.deepEqual(await role('active'), { exitCode: 0, stdout: 'active\n', stderr: '' });
    } finally {
      await door.close();
    }
  });
});

describe('the fleet on the screen', () => {
  const NOW = WELL.sinceMs + 120_000;
  const shown = (more: Partial<FleetCondition> = {}) =>
    fleetParts({ ...WELL, ...more }, NOW)
      .map(({ text, style }) => (style === 'plain' || style === 'good' ? text : `${style}: ${text}`))
      .join('; ');

  it('is a line about who the director is there, and what is wrong', () => {
    const { probedServices: _, ...alone } = WELL;
    assert.equal(
      fleetParts(alone, NOW)
        .map(({ text }) => text)
        .join('; '),
      'lb1 of /tunvs/site; etcd answers (http://10.2.0.5:2379); revision 7',
    );
    assert.match(shown(), /revision 7; checks 1 service for it$/);
    assert.match(shown({ isConnected: false }), /bad: etcd has been away for 2 minutes/);
    assert.match(shown({ from: 'cache' }), /warning: revision 7 of the cache/);
    assert.match(shown({ newestRevision: 9 }), /warning: 9 is the newest/);
    assert.match(shown({ refused: 'web:1:1: \u001b[2J\nmore' }), /bad: refused: web:1:1: \S*\[2J(;|$)/);
    assert.ok(!shown({ refused: '\u001b' }).includes('\u001b'));
    assert.match(shown({ hasLease: false }), /warning: the fleet does not see it/);
    assert.match(shown({ drain: { sinceMs: NOW - 3_600_000 * 2 } }), /warning: to be drained for 2 hours/);
  });
});

describe('the metrics of a fleet', () => {
  const lines = (more?: Partial<FleetCondition>) =>
    [...metricsText(measuredDirector(), more ? { fleet: membershipOf(more) } : {})]
      .join('')
      .split('\n')
      .filter((line) => line.startsWith('tunvs_fleet'));

  it('are there for a director of a fleet alone', () => {
    assert.deepEqual(lines(), []);
    assert.deepEqual(lines({}), [
      'tunvs_fleet_info{prefix="/tunvs/site",member="lb1"} 1',
      'tunvs_fleet_connected 1',
      'tunvs_fleet_connected_changed_timestamp_seconds 1767355391.25',
      'tunvs_fleet_revision 7',
      'tunvs_fleet_newest_revision 7',
      'tunvs_fleet_refused 0',
      'tunvs_fleet_cached 0',
      'tunvs_fleet_lease 1',
      'tunvs_fleet_drained 0',
      'tunvs_fleet_probed_services 1',
    ]);
  });

  it('say what is wrong', () => {
    const wrong = { isConnected: false, refused: 'no', newestRevision: 8, hasLease: false, drain: { sinceMs: 1 } };
    const { probedServices: _, ...alone } = WELL;
    const membership = membershipOf();
    membership.fill({ condition: () => ({ ...alone, ...wrong, from: 'cache' }), setRole() {} });
    const text = [...metricsText(measuredDirector(), { fleet: membership })].join('');
    const value = (name: string) => new RegExp(`^tunvs_fleet_${name} (.*)$`, 'm').exec(text)?.[1];
    const names = ['connected', 'newest_revision', 'refused', 'cached', 'lease', 'drained', 'probed_services'];
    assert.deepEqual(names.map(value), ['0', '8', '1', '1', '0', '1', undefined]);
  });
});
