/**
 * A director that keeps its state is killed and started again under load. `TUNVS_ROUNDS` says how often; it is 3 unless
 * set.
 */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Agent } from '../../lib/lab/agent.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';
import type { LoadResult } from '../support/load.js';
import { MAIN } from '../support/operated.js';
import { NAT_SOURCES, NatStage, SERVER_PORT } from '../support/nat-stage.js';
import { SteadyClient } from '../support/steady.js';

const ROUNDS = Number(process.env.TUNVS_ROUNDS ?? 3);
const CONNECTIONS = 40;
const PAUSE_MS = 400;

describeLab('tunvs run --state, killed and started again under load', function () {
  this.timeout(60_000 + ROUNDS * 10_000);
  let folder: string;

  before(() => {
    folder = mkdtempSync('/dev/shm/tunvs-state-');
  });

  after(() => rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 }));

  /** `lines` are of its configuration, `servers` its real servers. */
  async function survives(
    stage: TestStage | NatStage,
    name: string,
    servers: (address: string) => string,
    lines = '',
  ): Promise<void> {
    const config = join(folder, `${name}.yaml`);
    const { directorAddress } = stage.topology;
    writeFileSync(
      config,
      `source: ${directorAddress}
device: { queues: 2 }
maxConnections: 65536
${lines}
services:
  - listen: tcp ${stage.virtualAddress}:${PORT}
    scheduler: wrr
    servers:
${stage.servers.map(({ address }) => `      - ${servers(address)}\n`).join('')}`,
    );
    const start = async (): Promise<{ daemon: LabProcess; said: string }> => {
      const words = ['run', '--config', config, '--name', 'kept', '--device', 'tunvs0', '--state'];
      const daemon = stage.director.spawn([process.execPath, MAIN, ...words], {
        TUNVS_RUNTIME_DIR: join(folder, name),
      });
      return { daemon, said: await daemon.line((line) => line.startsWith('tunvs run: ready')) };
    };
    let { daemon } = await start();
    const request = { address: stage.virtualAddress, port: PORT };
    const steady = await SteadyClient.open(stage.client, { ...request, connections: CONNECTIONS, intervalMs: 20 });
    const load = await Agent.connect(stage.client.node(new URL('../support/programs/load-client.js', import.meta.url)));
    await load.call('start', { ...request, workers: 8, mostIdleMs: 40, timeoutMs: 15_000 });
    let longestMs = 0;
    let answered = 0;
    for (let round = 0; round < ROUNDS; round++) {
      assert.deepEqual((await steady.answered(3)).failures, []);
      await daemon.stop('SIGKILL');
      // Long enough that whoever cleans up behind it has begun.
      await sleep(PAUSE_MS);
      const next = await start();
      daemon = next.daemon;
      const [, taken] = /, (\d+) connections taken over/.exec(next.said) ?? [];
      assert.ok(Number(taken) >= CONNECTIONS, next.said);
      const after = await steady.answered(3);
      assert.deepEqual(after.failures, [], `round ${round}`);
      longestMs = Math.max(longestMs, after.longestMs);
      answered += after.answered;
    }
    const short = await load.call<LoadResult>('stop');
    assert.deepEqual(short.failures, []);
    assert.deepEqual((await steady.stop()).failures, []);
    await daemon.stop('SIGTERM');
    if (process.env.TUNVS_ROUNDS !== undefined)
      console.log(
        `      ${name}: ${ROUNDS} kills, ${answered} answers on ${CONNECTIONS} connections, the longest after ` +
          `${Math.round(longestMs)} ms; ${short.answered} short requests`,
      );
  }

  it('resets no connection to servers in a tunnel', async () => {
    const stage = await TestStage.open({ realServers: 3 });
    try {
      await survives(stage, 'ipip', (address) => address);
    } finally {
      await stage.close();
    }
  });

  for (const method of ['nat', 'snat'] as const)
    it(`resets no connection to servers by ${method}`, async () => {
      const stage = await NatStage.open({ method });
      try {
        // A host that forwards anyway would show clients the servers' own addresses.
        await stage.director.setSysctls({ 'net/ipv4/ip_forward': '1' });
        const server = (address: string) => `{ address: ${address}, port: ${SERVER_PORT}, forwarding: ${method} }`;
        await survives(stage, method, server, method === 'snat' ? `fullNat: { sources: [${NAT_SOURCES[4]}] }` : '');
      } finally {
        await stage.close();
      }
    });
});
