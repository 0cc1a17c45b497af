/** A running daemon whose file changes again and again, and is read again by its control socket, while requests run. */
import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { createClient } from '../../lib/control/client.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';
import { Operated } from '../support/operated.js';

const ROUNDS = 40;
const WRONG_EVERY = 10;

describeLab('reloads by the control socket', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;

  before(async () => {
    stage = await TestStage.open();
    operated = new Operated(stage.director);
  });

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  /** The passing server is away in every tenth round, and others that get no connections are there in some. */
  function configure(round: number, more = ''): void {
    const [passing = '', ...staying] = stage.servers.map(({ address }) => address).toReversed();
    const servers = staying.map((address, index) => ({ address, weight: 1 + ((round + index) % 5) }));
    if (round % 10 !== 9) servers.push({ address: passing, weight: 1 + (round % 3) });
    for (let extra = 0; extra < round % 4; extra++) servers.push({ address: `10.77.${round}.${1 + extra}`, weight: 0 });
    const listen = `tcp ${stage.virtualAddress}:${PORT}`;
    const spec = { source: stage.topology.directorAddress, services: [{ listen, scheduler: 'wrr', servers }] };
    operated.write('tunvs.json', `${JSON.stringify(spec)}${more}`);
  }

  it('lose no request, keep each connection on its server, and change nothing where the file is wrong', async () => {
    configure(0);
    const daemon = await operated.start(['--config', operated.path('tunvs.json')]);
    const client = createClient({ socket: join(operated.run, 'tunvs.sock') });
    const passes = stage.servers.at(-1)?.name;
    const kept: { connection: string; server: string; localPort: number }[] = [];
    for (let index = 0; index < 12; index++) {
      const connection = `kept${index}`;
      const { server, localPort } = await stage.fetch({ connection });
      if (server !== passes) kept.push({ connection, server, localPort });
    }
    assert(kept.length > 0);

    let isOver = false;
    const reloading = async () => {
      for (let round = 1; round <= ROUNDS; round++) {
        configure(round);
        const { changes } = await client.reload({});
        assert(changes.length > 0, `round ${round}`);
        if (round % WRONG_EVERY !== 0) continue;
        const before = await operated.rules();
        configure(round + 1, '{');
        await assert.rejects(client.reload({}), /tunvs\.json:1:/);
        assert.deepEqual(await operated.rules(), before);
      }
    };
    let answered = 0;
    const request = async () => {
      const { failures, servers } = await stage.fetchMany({ requests: 20, concurrency: 4, timeoutMs: 30_000 });
      assert.deepEqual(failures, []);
      for (const count of Object.values(servers)) answered += count;
    };
    const useKept = async () => {
      for (const { connection, server, localPort } of kept) {
        const { server: now, localPort: port, intact } = await stage.fetch({ connection, timeoutMs: 30_000 });
        assert.deepEqual([now, port, intact], [server, localPort, true]);
      }
    };
    const whileReloading = async (step: () => Promise<void>) => {
      while (!isOver) {
        await step();
        // The client has a port for each of 22,000 requests.
        await delay(100);
      }
    };
    const reloaded = reloading().finally(() => {
      isOver = true;
    });
    await Promise.all([reloaded, ...[useKept, request].map(whileReloading)]);
    assert(answered > 100, `${answered}`);
    assert.equal(daemon.lines.filter((line) => line.includes('configuration read again')).length, ROUNDS);
    assert.deepEqual(await daemon.stop(), { code: 0, signal: null });
  });
});
