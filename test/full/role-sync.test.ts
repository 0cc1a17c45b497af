/**
 * keepalived decides which of two directors is active, and they tell each other of connections, with the files of
 * examples/keepalived. The scheduler hashes nothing, so that what was not told is lost.
 *
 * TUNVS_SYNC_AGE_SECONDS=60 lets the connections become as old before their director fails.
 */
import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import { ask, syncOf, untilKnown } from '../support/asked-director.js';
import { DirectorPair, type PairNode } from '../support/director-pair.js';
import { eventuallyHolds } from '../support/eventually.js';
import { hasProgram } from '../support/has-program.js';
import { describeLab, PORT } from '../support/lab.js';
import { lossesByAge } from '../support/losses-by-age.js';
import { SteadyClient } from '../support/steady.js';

const OLD = 200;
const YOUNG = 40;
const AGE_MS = 1000 * Number(process.env.TUNVS_SYNC_AGE_SECONDS ?? '0');

const say = (text: string) => console.log(`      ${text}`);

describeLab('two directors, keepalived, and connection sync', function () {
  this.timeout(120_000 + AGE_MS);
  let pair: DirectorPair;
  let old: SteadyClient;

  before(async function () {
    if (!hasProgram('keepalived') || !hasProgram('curl')) this.skip();
    pair = await DirectorPair.open({ service: { scheduler: 'rr' }, isSynced: true });
    for (const node of pair.nodes) await pair.start(node);
    for (const node of pair.nodes) pair.keepalived(node);
    await pair.untilOneIsActive();
    await untilTelling();
    old = await open(OLD);
  });

  after(() => pair?.[Symbol.asyncDispose]());

  function open(connections: number, isHeld = false): Promise<SteadyClient> {
    const request = { address: pair.stage.virtualAddress, port: PORT, connections, intervalMs: 100 };
    return SteadyClient.open(pair.stage.client, { ...request, isHeld });
  }

  /** Each is a master and a backup, to which the script sees that keepalived calls. */
  async function untilTelling(): Promise<void> {
    for (const node of pair.nodes)
      await eventuallyHolds(async () => assert.deepEqual(Object.keys(await syncOf(node)).sort(), ['backup', 'master']));
  }

  /** The one that is not active, which the test before may have killed. */
  async function startedAnew(): Promise<PairNode> {
    const dead = pair.other(await pair.active());
    await dead.director?.stop('SIGKILL');
    await pair.start(dead);
    await untilTelling();
    await pair.untilOneIsActive();
    assert.equal(await pair.active(), pair.other(dead), 'nobody preempts');
    return dead;
  }

  async function failOver(fail: (node: PairNode) => Promise<void> | void, what: string): Promise<void> {
    const first = await pair.active();
    const other = pair.other(first);
    await untilKnown(other, await old.ends());
    await delay(AGE_MS);
    const lines = await lossesByAge({
      ...{ old, other },
      open: (isHeld) => open(YOUNG, isHeld),
      fail: async () => {
        await fail(first);
        await pair.untilActive(other);
      },
    });
    for (const line of lines) say(`${what}: ${line}`);
  }

  it('those that were told survive the death of the active director; the others are counted', () =>
    failOver(async ({ director }) => {
      await director?.stop('SIGKILL');
    }, 'director killed'));

  it('one that is started anew is told of them at their next turn, and survives the death of the other', async () => {
    await startedAnew();
    await failOver(async ({ director }) => {
      await director?.stop('SIGKILL');
    }, 'the other one killed');
  });

  it('handshakes survive a cable that is pulled, too, if connections are told by time and not by their packets', async () => {
    const dead = await startedAnew();
    const active = await pair.active();
    await untilKnown(dead, await old.ends());
    for (const node of pair.nodes) await ask(node, 'PATCH', 'sysctls', { sync_period: 0, sync_refresh_period: 60 });
    const silent = await open(YOUNG, true);
    await untilKnown(dead, await silent.ends());
    pair.stage.topology.router.ip([`link set dev ${active.name} down`]);
    await pair.untilActive(dead);
    await silent.begin();
    for (const client of [old, silent]) {
      const { failures, unanswered } = await client.answered(2);
      assert.deepEqual([failures, unanswered], [[], []]);
    }
    assert.deepEqual((await old.stop()).failures, []);
  });
});
