/**
 * A director that keeps its state is killed and started again under load, and another takes its place. `TUNVS_ROUNDS`
 * says how often; it is 2 unless set.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONNECTIONS, KeptDaemon, type KeptMethod } from '../support/kept-daemon.js';
import { describeLab, TestStage } from '../support/lab.js';
import { NatStage } from '../support/nat-stage.js';

const ROUNDS = Number(process.env.TUNVS_ROUNDS ?? 2);
const PAUSE_MS = 400;

const say = (text: string) => process.env.TUNVS_ROUNDS !== undefined && console.log(`      ${text}`);

for (const method of ['ipip', 'nat', 'snat'] as const satisfies KeptMethod[])
  describeLab(`tunvs run --state under load, with servers by ${method}`, function () {
    this.timeout(60_000 + ROUNDS * 10_000);
    let folder: string;
    let stage: TestStage | NatStage;
    let kept: KeptDaemon;

    before(async () => {
      folder = mkdtempSync('/dev/shm/tunvs-state-');
      stage = method === 'ipip' ? await TestStage.open({ realServers: 3 }) : await NatStage.open({ method });
      // A host that forwards anyway would show clients the servers' own addresses.
      await stage.director.setSysctls({ 'net/ipv4/ip_forward': '1' });
      kept = new KeptDaemon(stage, method, folder);
      await kept.start();
      await kept.startClients();
    });

    after(async () => {
      await kept?.daemon.stop('SIGTERM');
      await stage?.close();
      rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
    });

    it('loses no packet to another that takes its place', async () => {
      let longestMs = 0;
      for (let round = 0; round < ROUNDS; round++) {
        assert.deepEqual((await kept.steady.answered(3)).failures, []);
        const before = kept.daemon;
        const said = await kept.start('--takeover');
        assert.deepEqual(await before.exited, { code: 0, signal: null }, before.stderr);
        assert.match(before.lines.at(-1) ?? '', /^tunvs run: process \d+ directs in this one's place$/);
        assert.match(said, / connections taken over/);
        const after = await kept.steady.answered(3);
        assert.deepEqual(after.failures, [], `round ${round}`);
        longestMs = Math.max(longestMs, after.longestMs);
      }
      const { short, datagrams } = await kept.stopClients();
      say(
        `${ROUNDS} takeovers: ${short.answered} short requests, ${datagrams.answered} of ${datagrams.sent} datagrams, the longest answer after ${Math.round(longestMs)} ms`,
      );
      assert.deepEqual([short.failures, datagrams.lost, datagrams.repeated], [[], [], 0]);
    });

    it('resets no connection when it is killed and started again', async () => {
      let longestMs = 0;
      await kept.startClients();
      for (let round = 0; round < ROUNDS; round++) {
        assert.deepEqual((await kept.steady.answered(3)).failures, []);
        await kept.daemon.stop('SIGKILL');
        // Long enough that whoever cleans up behind it has begun.
        await sleep(PAUSE_MS);
        const said = await kept.start();
        const [, taken] = /, (\d+) connections taken over/.exec(said) ?? [];
        assert.ok(Number(taken) >= CONNECTIONS, said);
        const after = await kept.steady.answered(3);
        assert.deepEqual(after.failures, [], `round ${round}`);
        longestMs = Math.max(longestMs, after.longestMs);
      }
      const { short, datagrams } = await kept.stopClients();
      say(
        `${ROUNDS} kills: ${short.answered} short requests, ${datagrams.answered} of ${datagrams.sent} datagrams, the longest answer after ${Math.round(longestMs)} ms`,
      );
      assert.deepEqual(short.failures, []);
    });
  });
