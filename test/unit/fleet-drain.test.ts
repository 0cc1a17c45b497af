/** What becomes of a wish that a director is drained, whoever else decides about its role. */
import { strict as assert } from 'node:assert';
import { DrainedRole } from '../../lib/fleet/drained-role.js';
import type { Role } from '../../lib/values/role.js';
import type { FakeEtcd } from '../support/fake-etcd.js';
import { beforeEachFleet, type FleetRuns, type FleetRun, PREFIX } from '../support/fleet-runs.js';

describe('the role of a director that is drained', () => {
  const holder = (role: Role) => ({
    role,
    setRole(next: Role) {
      this.role = next;
    },
  });

  it('is that of a standby, and then what it was', () => {
    for (const before of ['active', 'standby'] as const) {
      const director = holder(before);
      const role = new DrainedRole(director);
      role.drain();
      assert.equal(director.role, 'standby');
      role.undrain();
      assert.deepEqual([director.role, role.drained], [before, undefined]);
    }
  });

  it('is what somebody has said last, and stays that', () => {
    for (const said of ['active', 'standby'] as const) {
      const director = holder('active');
      const role = new DrainedRole(director);
      role.drain();
      role.set(said);
      assert.deepEqual([director.role, role.isOverruled], [said, said === 'active']);
      role.undrain();
      assert.equal(director.role, said);
    }
  });

  it('is that of a standby again when the wish is said again', () => {
    const director = holder('active');
    const role = new DrainedRole(director);
    role.drain();
    role.set('active');
    role.drain();
    assert.deepEqual([director.role, role.drained], ['standby', { before: 'active' }]);
    role.set('standby');
    role.drain();
    role.undrain();
    assert.equal(director.role, 'standby');
  });

  it('stays what it was when the host refuses, and the wish holds', () => {
    const director = holder('standby');
    const role = new DrainedRole(director, { before: 'active' });
    director.setRole = () => {
      throw new Error('the host refuses');
    };
    assert.throws(() => role.undrain(), /the host refuses/);
    assert.deepEqual([director.role, role.drained], ['standby', undefined]);
    director.role = 'active';
    assert.throws(() => role.drain(), /the host refuses/);
    assert.deepEqual(role.drained, { before: 'active' });
  });
});

describe('a director of a fleet that is drained', () => {
  let etcd: FakeEtcd;
  let runs: FleetRuns;

  beforeEachFleet((...both) => {
    [etcd, runs] = both;
  });

  const wish = (text = '{"sinceMs":5,"by":"me"}') => void etcd.put(`${PREFIX}/drain/lb1`, text);
  const end = () => void etcd.delete(`${PREFIX}/drain/lb1`);
  const says = ({ found, director }: FleetRun, role: Role) => found.membership?.setRole(director, role);

  it('is a standby until the wish is over, and tells both', async () => {
    const { director, found } = await runs.run();
    await runs.tellsFleet(/"role":"active"/);
    wish();
    await runs.tells(/fleet\.drain: this director \(lb1\) is to be drained, as me wishes: it is a standby now/);
    assert.equal(director.role, 'standby');
    await runs.tellsFleet(/"role":"standby","drainSinceMs":5/);
    assert.deepEqual(found.membership?.condition()?.drain, { sinceMs: 5, by: 'me' });
    end();
    await runs.tells(/fleet\.undrain: this director \(lb1\) is no longer to be drained: it is active, as before/);
    assert.equal(director.role, 'active');
    await runs.tellsFleet(/"role":"active"(?!.*drainSinceMs)/);
  });

  it('stays a standby that it was by its own configuration', async () => {
    const { director } = await runs.run({ role: 'standby' });
    wish();
    await runs.tells(/it is a standby now/);
    end();
    await runs.tells(/it is a standby, as before/);
    assert.equal(director.role, 'standby');
  });

  it('is active when somebody says so, warns of it, and obeys a wish that is said again', async () => {
    const run = await runs.run();
    wish();
    await runs.tells(/it is a standby now/);
    says(run, 'active');
    assert.equal(run.director.role, 'active');
    await runs.tells(/somebody has made this director \(lb1\) active, which is to be drained/);
    await runs.tellsFleet(/"role":"active","drainSinceMs":5/);
    // A wish for another director says nothing about this one.
    etcd.put(`${PREFIX}/drain/lb7`, '{}');
    await runs.tellsFleet(/"role":"active","drainSinceMs":5/);
    assert.equal(run.director.role, 'active');
    wish('{"sinceMs":6}');
    await runs.tellsFleet(/"role":"standby","drainSinceMs":6/);
    end();
    await runs.tells(/it is active, as before/);
  });

  it('keeps the role that somebody has given to it meanwhile', async () => {
    const run = await runs.run();
    wish();
    await runs.tells(/it is a standby now/);
    says(run, 'standby');
    end();
    await runs.tells(/it is a standby, as somebody has set it meanwhile/);
    assert.equal(run.director.role, 'standby');
  });

  it('begins as a standby when it is started anew, also without etcd, and is then what its configuration says', async () => {
    const run = await runs.run();
    wish();
    await runs.tells(/it is a standby now/);
    await run.end();
    assert.deepEqual(runs.saved().drain, { before: 'active', wish: '{"sinceMs":5,"by":"me"}', member: 'lb1' });
    await etcd.close();
    const next = await runs.run();
    assert.deepEqual([next.found.open.role, next.director.role], ['standby', 'standby']);
    await etcd.listen();
    end();
    await runs.tells(/it is active, as before/);
    assert.equal(next.director.role, 'active');
    assert.equal(runs.saved().drain, undefined);
  });

  it('is taken over with what it was before, and with what somebody has said', async () => {
    const first = await runs.run({ role: 'standby' });
    says(first, 'active');
    wish();
    await runs.tellsFleet(/"role":"standby","drainSinceMs":5/);
    await first.end();
    const second = await runs.run({ role: 'standby', takeover: true }, 'standby');
    says(second, 'active');
    await runs.tellsFleet(/"role":"active","drainSinceMs":5/);
    await second.end();
    const third = await runs.run({ role: 'standby', takeover: true }, 'active');
    await runs.tells(/it is active all the same, as somebody has set it so/);
    assert.equal(third.director.role, 'active');
    end();
    await runs.tells(/it is active, as somebody has set it meanwhile/);
  });

  it('is undrained by whoever takes it over after the wish was over', async () => {
    const first = await runs.run();
    wish();
    await runs.tells(/it is a standby now/);
    await first.end();
    end();
    const second = await runs.run({ takeover: true }, 'standby');
    assert.equal(second.director.role, 'active');
  });
});
