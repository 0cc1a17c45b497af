/**
 * Thousands of connections by two directors behind ECMP, with a scheduler that hashes nothing: what is told goes on at
 * the other director, and what could not be told yet is counted, by its age.
 */
import { strict as assert } from 'node:assert';
import { ask, connectionsOf, syncOf, unknownTo, untilKnown } from '../support/asked-director.js';
import { EcmpLab, type EcmpNode } from '../support/ecmp-lab.js';
import { eventually } from '../support/eventually.js';
import { describeLab, PORT } from '../support/lab.js';
import { lossesByAge } from '../support/losses-by-age.js';
import { SteadyClient } from '../support/steady.js';

const OLD = 2000;
const YOUNG = 200;
const INTERVAL_MS = 700;

const say = (text: string) => console.log(`      ${text}`);

describeLab('2,000 connections by directors behind ECMP that tell each other, with wlc', function () {
  this.timeout(120_000);
  let ecmp: EcmpLab;
  let first: EcmpNode;
  let second: EcmpNode;
  let old: SteadyClient;
  let addresses: string[];

  before(async function () {
    if (EcmpLab.problem !== undefined) this.skip();
    ecmp = await EcmpLab.open({ directors: 2, realServers: 4 });
    [first, second] = ecmp.nodes as [EcmpNode, EcmpNode];
    await Promise.all(ecmp.nodes.map((node) => ecmp.start(node, ecmp.service({ scheduler: 'wlc' }))));
    // They are told again each 5 packets: the 50 of the default take longer than a test should.
    for (const node of ecmp.nodes) await ask(node, 'PATCH', 'sysctls', { sync_period: 5 });
    await ecmp.sync(ecmp.nodes);
    for (const node of ecmp.nodes) await ecmp.announce(node);
    await ecmp.untilWays(ecmp.nodes);
    addresses = Array.from({ length: 8 }, (_, i) => `10.1.0.${10 + i}`);
    ecmp.stage.client.ip(addresses.map((address) => `address add ${address}/24 dev eth0`));
    old = await open(OLD);
    assert.deepEqual((await old.answered(1)).failures, []);
  });

  after(() => ecmp?.[Symbol.asyncDispose]());

  function open(connections: number, more: object = {}): Promise<SteadyClient> {
    const request = { address: ecmp.stage.virtualAddress, port: PORT, connections, intervalMs: INTERVAL_MS };
    return SteadyClient.open(ecmp.stage.client, { ...request, from: addresses, ...more });
  }

  async function untilAllKnown(nodes: readonly EcmpNode[]): Promise<void> {
    const ends = await old.ends();
    for (const node of nodes) await untilKnown(node, ends);
  }

  const kept = async (node: EcmpNode) => (await syncOf(node)).backup?.outcomes.keptLocal ?? 0;

  it('each soon knows the connections of both', async () => {
    await untilAllKnown(ecmp.nodes);
    for (const node of ecmp.nodes) {
      const { master, backup } = await syncOf(node);
      assert.deepEqual([master?.notesLost, master?.recordsLost, backup?.messagesLost], [0, 0, 0]);
      assert.ok((backup?.outcomes.made ?? 0) > OLD / 4, `${node.address} was told of ${backup?.outcomes.made}`);
    }
  });

  it('connections go on where they are moved to, there and back within the minute', async () => {
    await untilAllKnown(ecmp.nodes);
    for (const ways of [[first], ecmp.nodes, [second], ecmp.nodes]) {
      await ecmp.activate(ways);
      const { failures, unanswered } = await old.answered(2);
      assert.deepEqual([failures, unanswered], [[], []]);
    }
    const records = await Promise.all(ecmp.nodes.map(kept));
    say(`moved four times: none reset; ${records.join(' and ')} records were of connections that had packets there`);
  });

  it('those older than their third packet and two seconds survive a killed director; the others are named', async () => {
    const fail = async () => {
      await first.director.stop('SIGKILL');
      await ecmp.untilWays([second]);
    };
    await untilAllKnown([second]);
    const young = (isHeld: boolean) => open(YOUNG, { isHeld });
    for (const line of await lossesByAge({ old, open: young, fail, other: second })) say(line);
  });

  it('a director that is started again becomes active when its peer has told all, and none is reset', async () => {
    await untilAllKnown([second]);
    await first.director.stop('SIGKILL');
    await ecmp.untilWays([second]);
    await ecmp.start(first, ecmp.service({ scheduler: 'wlc' }), 'standby');
    await ecmp.peers();
    await eventually(
      () => syncOf(first),
      ({ isCaughtUp }) => isCaughtUp === true,
      'the director is caught up',
    );
    const ends = await old.ends();
    assert.deepEqual(await unknownTo(first, ends), []);
    await ecmp.activate(ecmp.nodes);
    const { failures, unanswered } = await old.answered(2);
    assert.deepEqual([failures, unanswered], [[], []]);
    assert.deepEqual((await old.stop()).failures, []);
    // What has ended at one director counts at the other for the minute at most for which it had packets there.
    const longer = async (node: EcmpNode) =>
      [...(await connectionsOf(node)).values()].filter(
        (each) => each.state === 'ESTABLISHED' && each.expiresMs > 60_000,
      );
    for (const node of ecmp.nodes)
      await eventually(
        () => longer(node),
        (left) => left.length === 0,
        `${node.address} lets ended connections go`,
      );
  });
});
