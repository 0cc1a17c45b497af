/** A start with a configuration in etcd that is refused: what was good last is taken, whoever refuses. */
import { strict as assert } from 'node:assert';
import type { RunOptions } from '../../lib/cli/run/options.js';
import type { Director } from '../../lib/director/director.js';
import { TunvsError } from '../../lib/values/errors.js';
import { eventually } from '../support/eventually.js';
import type { FakeEtcd } from '../support/fake-etcd.js';
import { beforeEachFleet, type FleetRuns, PREFIX, WEB } from '../support/fleet-runs.js';

describe('a start with a configuration that is refused', () => {
  let etcd: FakeEtcd;
  let runs: FleetRuns;

  beforeEachFleet((...both) => {
    [etcd, runs] = both;
  });

  const OTHER = `${PREFIX}/services/other`;

  /** As a host does that cannot direct the address of the other service. */
  function refusing(director: Director): { isOver: boolean } {
    const host = { isOver: false };
    const transaction = director.transaction.bind(director);
    director.transaction = (change) =>
      transaction((inner) => {
        const done = change(inner);
        if (!host.isOver && director.virtualServices.some(({ address }) => address === '192.0.2.9'))
          throw new TunvsError('ERR_TUNVS_HOST', 'the host has 192.0.2.9 already');
        return done;
      });
    return host;
  }

  it('by the host goes on with what was good, tells it, and takes the newest when a reload is asked for', async () => {
    await (await runs.run()).end();
    const refused = etcd.put(OTHER, 'listen: tcp 192.0.2.9:80');
    let host = { isOver: false };
    const { director, weights, found } = await runs.run({
      prepare(each: Director) {
        host = refusing(each);
      },
    });
    assert.deepEqual([director.virtualServices.length, weights()], [1, ['10.3.0.11=3']]);
    await runs.tells(
      /fleet\.refused: the configuration in etcd is refused, and the configuration of revision 3.*the host has 192\.0\.2\.9/,
    );
    await runs.tellsFleet(/"revision":3,"from":"cache","refused":"the host has 192\.0\.2\.9/);
    assert.deepEqual([found.membership?.condition()?.newestRevision, runs.saved().changedAt], [refused, 3]);
    host.isOver = true;
    await found.reload({});
    assert.equal(director.virtualServices.length, 2);
    assert.equal(runs.saved().changedAt, refused);
    await runs.tells(/fleet\.revision: revision 3 of the cache is in force/);
  });

  it('by the director, which reads it well, does so too', async () => {
    const source = ['10.2.0.2', '2001:db8:2::2'];
    const config = runs.write('own.json', JSON.stringify({ source }));
    // The command line leaves the director without an address of IPv6.
    const options: RunOptions = { config, source: ['10.2.0.2'] };
    await (await runs.run(options)).end();
    etcd.put(OTHER, 'listen: tcp [2001:db8:9::9]:80\nservers: ["2001:db8:3::1"]');
    const { weights } = await runs.run(options);
    assert.deepEqual(weights(), ['10.3.0.11=3']);
    await runs.tells(/fleet\.refused: the configuration in etcd is refused, .*IPv6/);
    etcd.delete(OTHER);
    etcd.put(`${WEB}/servers/a`, '10.3.0.11');
    await eventually(
      async () => weights().join(),
      (seen) => seen === '10.3.0.11=1',
      'the next change is in force',
    );
  });

  it('fails without a cache, with one that is refused as well, and when it is only tried out', async () => {
    const prepare = (each: Director) => void refusing(each);
    etcd.put(OTHER, 'listen: tcp 192.0.2.9:80');
    await assert.rejects(runs.run({ prepare }), /the host has 192\.0\.2\.9/);
    await (await runs.run()).end();
    await assert.rejects(runs.run({ prepare }), /the host has 192\.0\.2\.9/);
    etcd.put(`${WEB}/servers/b`, '10.3.0.12');
    await assert.rejects(runs.run({ prepare }), /the host has 192\.0\.2\.9/);
    assert.ok(!runs.told.join().includes('fleet.refused'));
    etcd.put(WEB, 'listen: nonsense');
    await assert.rejects(runs.configuration({ dryRun: true }), /services\/web:1/);
  });
});
