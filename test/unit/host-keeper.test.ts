/** The keeper's order of things, without a host: what it reads, what it puts back, and when it does not. */
import { strict as assert } from 'node:assert';
import { mock } from 'node:test';
import type { MissingStep } from '../../lib/host/held-parts.js';
import type { HostEvent } from '../../lib/host/host-event.js';
import { unreadable } from '../../lib/host/command-failure.js';
import { HostKeeper, type Wanted } from '../../lib/host/host-keeper.js';
import type { SnapshotHost } from '../../lib/host/snapshot.js';
import { FakeHost } from '../support/fake-host.js';

const FORWARD = 'net/ipv4/ip_forward';

function missingStep(name: string): MissingStep {
  const step = { description: name, command: { argv: ['ip', 'route', 'replace', name] }, isHeld: false };
  return { part: { plan: () => [], owned: [], isExact: false }, step, thing: name, isThing: true };
}

/** The test says when a snapshot is returned. */
function stage() {
  const live = new FakeHost();
  const reads: { give: () => void; fail: (error: Error) => void }[] = [];
  const events: HostEvent[] = [];
  const back: string[] = [];
  let lacking: MissingStep[] = [];
  let error: Error | undefined;
  const wanted = {
    generation: 0,
    devices: ['tunvs0'],
    see(snapshot: SnapshotHost) {
      snapshot.readSysctl(FORWARD);
    },
    async prepare() {},
    missing: () => lacking,
    putBack(steps: readonly MissingStep[]) {
      back.push(...steps.map(({ thing }) => thing));
      return steps.map(() => error);
    },
    takeBackStale() {},
  } satisfies Wanted;
  const keeper = new HostKeeper(
    wanted,
    {
      live,
      takeSnapshot: () =>
        new Promise<SnapshotHost>((resolve, reject) => {
          reads.push({ give: () => resolve(live.takeSnapshot()), fail: reject });
        }),
      monitor: () => ({ close() {} }),
      nowMs: () => 0,
      report: (event) => events.push(event),
    },
    { limit: 2 },
  );
  const turn = () => new Promise((resolve) => setImmediate(resolve));
  return {
    live,
    keeper,
    wanted,
    reads,
    events,
    back,
    turn,
    lack: (...names: string[]) => {
      lacking = names.map(missingStep);
    },
    fail: (message: string) => {
      error = new Error(message);
    },
    /** Answers the waiting question. */
    async answer(): Promise<void> {
      await turn();
      reads.shift()?.give();
      await turn();
      await turn();
    },
  };
}

describe('HostKeeper', () => {
  it('puts back what is missing and says so, once', async () => {
    const { keeper, lack, answer, back, events } = stage();
    lack('a', 'b');
    const mended = keeper.mend();
    await answer();
    assert.equal(await mended, 2);
    assert.deepEqual(back, ['a', 'b']);
    assert.deepEqual(
      events.map(({ type, value, things }) => [type, value, things]),
      [['hostMended', 2, ['a', 'b']]],
    );
    assert.deepEqual(keeper.counts, { mended: 2, contested: 0 });
    keeper.close();
  });

  it('puts nothing back when it is closed while the host is read', async () => {
    const { keeper, lack, answer, back, events } = stage();
    lack('a');
    const mended = keeper.mend();
    keeper.close();
    await answer();
    assert.equal(await mended, 0);
    assert.deepEqual([back, events], [[], []]);
  });

  it('reads the host again when what is wanted has changed meanwhile', async () => {
    const { keeper, wanted, lack, answer, back, turn } = stage();
    lack('removed since');
    const mended = keeper.mend();
    await turn();
    wanted.generation += 1;
    await answer();
    assert.deepEqual(back, []);
    lack();
    await answer();
    assert.equal(await mended, 0);
    assert.deepEqual(back, []);
    keeper.close();
  });

  it('says what could not be put back, and why', async () => {
    const { keeper, lack, fail, answer, events } = stage();
    lack('a');
    fail('no room');
    const mended = keeper.mend();
    await answer();
    assert.equal(await mended, 0);
    assert.deepEqual(
      events.map(({ type, message }) => [type, message]),
      [['hostNotMended', 'this host lacks a, and it could not be put back: no room']],
    );
    keeper.close();
  });

  it('changes nothing when the host cannot be read, and says why to whoever asked', async () => {
    const { keeper, lack, reads, back, turn } = stage();
    lack('a');
    const mended = keeper.mend();
    await turn();
    reads.shift()?.fail(new Error('ip says no'));
    await assert.rejects(mended, /ip says no/);
    assert.deepEqual(back, []);
    keeper.close();
  });

  it('says once that sysctls cannot be read, and does not take them for gone', async () => {
    mock.timers.enable({ apis: ['setInterval'] });
    try {
      const { live, keeper, answer, events } = stage();
      live.sysctls.set(FORWARD, '1');
      const mended = keeper.mend();
      await answer();
      assert.equal(await mended, 0);
      live.readSysctl = () => {
        throw unreadable(`/proc/sys/${FORWARD}`, Object.assign(new Error('open'), { code: 'EMFILE' }));
      };
      mock.timers.tick(3000);
      assert.deepEqual(
        events.map(({ type, message }) => [type, message.slice(0, 50)]),
        [['hostUnreadable', '/proc/sys/net/ipv4/ip_forward cannot be read, beca']],
      );
      keeper.close();
    } finally {
      mock.timers.reset();
    }
  });
});
