/** When an environment ends, its host's monitor tells its news to nobody, and ends nothing else. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';

const NATIVE = new URL('../../lib/native/addon.js', import.meta.url).href;
const WATCH = `
  const { native } = await import(${JSON.stringify(NATIVE)});
  const { execSync } = await import('node:child_process');
  globalThis.monitor = new native.HostMonitor({ routeProtocol: 84 }, () => console.log('told'));
  // Something to be told of, with no turn of the event loop behind it.
  execSync('ip link set lo down; ip link set lo up');
`;

const endings = {
  'the program ends': WATCH,
  'the program exits': `${WATCH} process.exit(0);`,
  'it is closed twice': `${WATCH} monitor.close(); monitor.close();`,
  'its worker is terminated': `
    const { Worker } = await import('node:worker_threads');
    const worker = new Worker(${JSON.stringify(`(async () => { ${WATCH} (await import('node:worker_threads')).parentPort.postMessage(0); setInterval(() => {}, 1000); })()`)}, { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  `,
};

describe('the monitor of a host', () => {
  for (const [what, script] of Object.entries(endings)) {
    it(`goes quietly when ${what}`, function () {
      this.timeout(30_000);
      const { status, signal, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
        encoding: 'utf8',
        timeout: 20_000,
      });
      assert.deepEqual([status, signal, stderr], [0, null, '']);
    });
  }
});
