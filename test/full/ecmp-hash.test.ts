/**
 * Thousands of connections by several directors behind ECMP: what the hash promises those that move to a director which
 * has never heard of them.
 */
import { strict as assert } from 'node:assert';
import { connectionsOf, flowName, untilKnown } from '../support/asked-director.js';
import { EcmpLab, type EcmpNode } from '../support/ecmp-lab.js';
import { serversByHash } from '../support/hashed-flows.js';
import { describeLab, PORT, type TestServer } from '../support/lab.js';
import { SteadyClient, type SteadyResult } from '../support/steady.js';

const CONNECTIONS = 2000;
const INTERVAL_MS = 700;
const SERVERS = 5;
const CLIENTS_AT_ONCE = 8;

const say = (text: string) => console.log(`      ${text}`);

describeLab('2,000 connections by directors behind ECMP, with a scheduler that hashes', function () {
  this.timeout(120_000);
  let ecmp: EcmpLab;
  let first: EcmpNode;
  let second: EcmpNode;
  let third: EcmpNode;
  let crowds = 0;

  before(async function () {
    if (EcmpLab.problem !== undefined) this.skip();
    ecmp = await EcmpLab.open({ directors: 3, realServers: SERVERS });
    [first, second, third] = ecmp.nodes as [EcmpNode, EcmpNode, EcmpNode];
    for (const node of [first, second]) await ecmp.start(node, hashing('maglev'));
    for (const node of [first, second]) await ecmp.announce(node);
    await ecmp.untilWays([first, second]);
  });

  after(() => ecmp?.[Symbol.asyncDispose]());

  function hashing(scheduler: 'maglev' | 'rendezvous', servers: readonly TestServer[] = ecmp.stage.servers): object {
    return ecmp.service({ scheduler, schedulerFlags: [`${scheduler}-port`], midStream: 'hash' }, servers);
  }

  /** It begins at its first use, so that each test can be run alone. */
  async function addThird(): Promise<void> {
    if (third.director !== undefined) return;
    await ecmp.start(third, hashing('maglev'));
    await ecmp.announce(third);
    await ecmp.untilWays(ecmp.nodes);
  }

  /** Connections from addresses that no other crowd has: a director may remember what others had by the same ports. */
  async function crowd(): Promise<SteadyClient> {
    const from = Array.from({ length: CLIENTS_AT_ONCE }, (_, i) => `10.1.0.${10 + CLIENTS_AT_ONCE * crowds + i}`);
    crowds++;
    ecmp.stage.client.ip(from.map((address) => `address add ${address}/24 dev eth0`));
    const request = { address: ecmp.stage.virtualAddress, port: PORT, connections: CONNECTIONS, from };
    const opened = await SteadyClient.open(ecmp.stage.client, { ...request, intervalMs: INTERVAL_MS });
    assert.deepEqual((await opened.answered(1)).failures, []);
    return opened;
  }

  describe('while directors come and go', () => {
    let steady: SteadyClient;

    before(async () => {
      steady = await crowd();
    });

    after(() => steady.kill());

    /** By which director each connection goes: the one that had its last packet. */
    async function places(): Promise<Map<string, EcmpNode>> {
      const found = new Map<string, EcmpNode>();
      const left = new Map<string, number>();
      const nodes = ecmp.nodes.filter((node) => node.director?.exit === undefined && node.director !== undefined);
      for (const [at, listed] of (await Promise.all(nodes.map(connectionsOf))).entries()) {
        for (const [name, { expiresMs }] of listed) {
          if (expiresMs <= (left.get(name) ?? 0)) continue;
          left.set(name, expiresMs);
          found.set(name, nodes[at] as EcmpNode);
        }
      }
      return found;
    }

    /** Counts what `change` does to the connections; the hash promises that none is reset. */
    async function through(what: string, change: () => Promise<void>): Promise<SteadyResult> {
      const ends = await steady.ends();
      const before = await places();
      await steady.answered(0);
      await change();
      // The first answer may be to a request that went by the old way.
      const result = await steady.answered(2);
      const after = await places();
      const moved = ends.filter((end) => before.get(flowName(end)) !== after.get(flowName(end))).length;
      const { answered, late, longestMs, failures, unanswered } = result;
      say(
        `${what}: ${moved} of ${ends.length} moved, ${failures.length} reset, ${unanswered.length} unanswered; ` +
          `${answered} requests, ${late} of them took over 1 s, the longest ${Math.round(longestMs)} ms`,
      );
      assert.deepEqual(failures, []);
      assert.deepEqual(unanswered, []);
      assert.ok(moved > CONNECTIONS / 20, `${moved} connections have moved`);
      return result;
    }

    it('both directors have their part of them', async () => {
      const seen = [...(await places()).values()];
      for (const node of [first, second]) {
        const part = seen.filter((each) => each === node).length;
        assert.ok(part > CONNECTIONS / 4, `${node.address} has ${part}`);
      }
    });

    it('resets none when a director is added', () => through('added', addThird));

    it('resets none when a director is withdrawn, nor when it is back', async () => {
      await addThird();
      await through('withdrawn', () => ecmp.activate([first, third]));
      await through('active again', () => ecmp.activate(ecmp.nodes));
    });

    it('resets none when a director is killed, nor when it is started again', async () => {
      await addThird();
      await through('killed', async () => {
        await first.director.stop('SIGKILL');
        await ecmp.untilWays([second, third]);
      });
      await through('started again', async () => {
        await ecmp.start(first, hashing('maglev'));
        await ecmp.untilWays(ecmp.nodes);
      });
    });
  });

  for (const scheduler of ['maglev', 'rendezvous'] as const) {
    describe(`when the set of real servers has changed, with ${scheduler}`, () => {
      const few = () => ecmp.stage.servers.slice(0, SERVERS - 1);
      const all = () => ecmp.stage.servers;

      before(addThird);

      interface Change {
        before: readonly TestServer[];
        after: readonly TestServer[];
        ways: EcmpNode[];
        to: EcmpNode;
        /** Directors tell each other of connections. */
        isTold?: boolean;
      }

      /** What becomes of connections that were opened with some servers and move to a director that knows others. */
      async function moved({ before, after, ways, to, isTold }: Change) {
        await ecmp.reload(ecmp.nodes, hashing(scheduler, before));
        await ecmp.activate(ways);
        const steady = await crowd();
        const ends = await steady.ends();
        if (isTold === true) await untilKnown(to, ends);
        const [named, later] = await Promise.all(
          [before, after].map((servers) => {
            const addresses = servers.map(({ address }) => address);
            return serversByHash(scheduler, ecmp.stage.virtualAddress, addresses, ends);
          }),
        );
        await ecmp.reload(ecmp.nodes, hashing(scheduler, after));
        const unmoved = await steady.answered(1, 3 * INTERVAL_MS);
        await ecmp.activate([to]);
        const { failures, unanswered } = await steady.answered(2);
        await steady.kill();
        const other = ends.map(flowName).filter((name) => named?.get(name) !== later?.get(name));
        return {
          ...{ named: named as Map<string, string>, later: later as Map<string, string> },
          /** The flows for which the hash names another server than before. */
          other: new Set(other),
          /** They ended, or went unanswered, although they stayed where they were. */
          lostBefore: [...unmoved.failures, ...unmoved.unanswered].map(flowName),
          reset: failures.map(flowName),
          unanswered: unanswered.map(flowName),
        };
      }

      const part = (count: number) => `${count} of ${CONNECTIONS} (${((100 * count) / CONNECTIONS).toFixed(1)} %)`;

      it('one that was added takes no more than its share of the connections that move', async () => {
        const added = (all()[SERVERS - 1] as TestServer).address;
        const seen = await moved({ before: few(), after: all(), ways: [first, second], to: third });
        const needless = [...seen.other].filter((name) => seen.later.get(name) !== added);
        say(`${scheduler}, ${SERVERS} in place of ${SERVERS - 1}: ${part(seen.reset.length)} reset`);
        say(`  its share is ${part(CONNECTIONS / SERVERS)}; moved between others: ${part(needless.length)}`);
        assert.deepEqual(seen.lostBefore, [], 'those that did not move go on');
        assert.deepEqual(seen.unanswered, []);
        assert.deepEqual(new Set(seen.reset), seen.other, 'those are reset for which the hash names another');
        assertBound(seen.other.size - needless.length, needless.length);
      });

      it('one that was removed takes its own with it, and next to no other', async () => {
        const [, gone] = all().map(({ address }) => address);
        const left = all().filter(({ address }) => address !== gone);
        const seen = await moved({ before: all(), after: left, ways: [third], to: first });
        const own = [...seen.other].filter((name) => seen.named.get(name) === gone);
        const needless = seen.other.size - own.length;
        say(`${scheduler}, ${SERVERS - 1} in place of ${SERVERS}: ${part(seen.reset.length)} reset`);
        say(`  ${part(own.length)} were its own; of the others ${part(needless)}`);
        assert.deepEqual(new Set(seen.lostBefore), new Set(own), 'its own are lost before they move');
        assert.deepEqual(new Set(seen.reset), seen.other, 'those are reset for which the hash names another');
        assertBound(own.length, needless);
      });

      if (scheduler === 'rendezvous') {
        it('none is lost to one that was added if directors tell each other of connections', async () => {
          await ecmp.sync(ecmp.nodes);
          const seen = await moved({ before: few(), after: all(), ways: [first, second], to: third, isTold: true });
          say(`${scheduler}, ${SERVERS} in place of ${SERVERS - 1}, and told: ${part(seen.reset.length)} reset`);
          assert.ok(seen.other.size > 0, 'the hash names another server for some');
          assert.deepEqual([seen.lostBefore, seen.reset, seen.unanswered], [[], [], []]);
        });
      }

      /** docs/schedulers.md has the figures. */
      function assertBound(share: number, needless: number): void {
        const wanted = CONNECTIONS / SERVERS;
        const deviation = Math.sqrt(wanted * (1 - 1 / SERVERS));
        assert.ok(Math.abs(share - wanted) < 6 * deviation, `${share} of ${CONNECTIONS} are about ${wanted}`);
        assert.ok(needless <= (scheduler === 'rendezvous' ? 0 : CONNECTIONS / 100), `${needless} moved needlessly`);
      }
    });
  }
});
