/**
 * Sends millions of packets by the fast path while servers come, go, are drained and weighed, rules are reloaded, and
 * the table is full for a time. In the end every packet has to be accounted for: what came to each real server is what
 * the director has counted for it, and what did not come is a refusal or a drop that is counted.
 */
import { strict as assert } from 'node:assert';
import { setTimeout as sleep } from 'node:timers/promises';
import { CHANGES, Churn, rulesOf } from '../support/churn.js';
import { fastPathProblem } from '../support/fast-path.js';
import { type Account, FloodedLab, INLET, SERVERS } from '../support/flooded-lab.js';
import { describeLab } from '../support/lab.js';
import { nftProblem } from '../support/nft.js';

const problem = fastPathProblem() ?? nftProblem();
/** How many packets are sent, 2 million or more. Ten million take about 80 seconds. */
const PACKETS = Number(process.env.TUNVS_CHURN_PACKETS ?? 10_000_000);
/** Of the changes. */
const SEED = Number(process.env.TUNVS_CHURN_SEED ?? 1);

/** Connections that fit the table. */
const CAPACITY = 16_384;
const TCP_FLOWS = 4_096;
/** UDP flows of each round: of one they do not fit the table. */
const ROUNDS = [10_000, 24_000, 10_000, 10_000, 10_000];
const UDP_PER_SECOND = 200_000;

/** Of the packets that are sent on, this part at least goes by the program in the kernel; a busy engine hands over late. */
const LEAST_FAST = 0.1;

/** What the engine could not hand to the kernel. */
const EGRESS_LOSSES = ['egressNoBuffer', 'egressNoRoute', 'egressTooLong', 'egressFailed'];

for (const [fastPath, share] of [
  ['egress', 0.7],
  [`ingress:${INLET}`, 0.3],
] as const) {
  const suite = problem === undefined ? describeLab : describe.skip;
  suite(`the fast path (${fastPath}) under churn${problem === undefined ? '' : ` (skipped: ${problem})`}`, function () {
    this.timeout(600_000);
    let lab: FloodedLab;
    const begin = new Map(SERVERS.slice(0, 10).map((address) => [address, 1]));

    before(async () => {
      lab = await FloodedLab.open();
    });

    after(() => lab?.dispose());

    /** In each round TCP connections are opened anew; then packets of both protocols go on beside each other. */
    async function flood(packets: number): Promise<void> {
      for (const flows of ROUNDS) {
        await lab.flood({ protocol: 'tcp', flows: TCP_FLOWS, maxPackets: TCP_FLOWS, packetsPerSecond: 50_000 });
        const ofRound = (part: number) => Math.ceil((packets * part) / ROUNDS.length);
        await Promise.all([
          lab.flood({ protocol: 'udp', flows, maxPackets: ofRound(0.8), packetsPerSecond: UDP_PER_SECOND }),
          lab.flood({
            protocol: 'tcp-ack',
            flows: TCP_FLOWS,
            maxPackets: ofRound(0.2),
            packetsPerSecond: UDP_PER_SECOND / 4,
          }),
        ]);
      }
    }

    it('counts each packet once, and loses none without a count', async () => {
      await lab.start({ fastPath, maxConnections: CAPACITY }, rulesOf(begin));
      const churn = new Churn(lab, begin, SEED);
      await churn.during(flood(PACKETS * share * 0.6));
      const account = await lab.account();
      for (const change of CHANGES) assert.ok((churn.made[change] ?? 0) > 0, `there was the change "${change}"`);
      assertArrivals(account);
      assert.ok((account.counters.connectionsEvicted ?? 0) > 0, 'the table was full for a time');
      assertServers(account);
    });

    it('does so again in a second life, after the first one was ended by SIGKILL amid packets', async () => {
      const first = flood(PACKETS * share * 0.2);
      await sleep(1000);
      await lab.kill();
      await lab.start({ fastPath, maxConnections: CAPACITY }, rulesOf(begin));
      const churn = new Churn(lab, begin, SEED + 1);
      await churn.during(first.then(() => flood(PACKETS * share * 0.2)));
      const account = await lab.account();
      assertServers(account);
    });
  });
}

function assertArrivals({ sent, arrived, deviceDrops, counters }: Account): void {
  assert.equal(arrived, sent, 'the director has what was sent');
  assert.equal((counters.received ?? 0) + deviceDrops, arrived, 'the engine and the program have what arrived');
}

function assertServers({ came, tallied, ofServices, linkDrops, verdicts, counters }: Account): void {
  const count = (name: string) => counters[name] ?? 0;
  const forwarded = count('forwarded');
  assert.equal(verdicts, count('received'), 'each packet has one verdict');
  assert.equal(ofServices, forwarded, 'the services have what was forwarded');
  const lost = EGRESS_LOSSES.reduce((sum, name) => sum + count(name), 0);
  assert.equal(count('sent') + lost, count('handedOut'), 'each packet that was handed out was sent or is lost');
  assert.equal(count('fastFailed') + linkDrops + lost, 0, 'nothing was lost behind the director');
  assert.deepEqual(came, tallied, 'each server has what was counted for it');
  assert.equal(
    Object.values(came).reduce((sum, each) => sum + each, 0),
    forwarded,
    'the servers have what was forwarded',
  );
  assert.ok(count('fastForwarded') > forwarded * LEAST_FAST, `${count('fastForwarded')} of ${forwarded} were fast`);
}
