/** When an environment ends, its pings end with it, and nothing else does. */
import { strict as assert } from 'node:assert';
import { spawnSync } from 'node:child_process';

const NATIVE = new URL('../../lib/native/addon.js', import.meta.url).href;
const CHECK = new URL('../../lib/health/checks/ping.js', import.meta.url).href;
const PING = `
  const { native } = await import(${JSON.stringify(NATIVE)});
  globalThis.pinger = new native.Pinger(() => {});
  // The answers are there with no turn of the event loop behind them.
  for (let i = 0; i < 100; i++) pinger.ping('127.0.0.1', i, new Uint8Array(16));
`;

const endings = {
  'the program ends': PING,
  'the program exits': `${PING} process.exit(0);`,
  'it is closed twice': `${PING} pinger.close(); pinger.close();`,
  'its worker is terminated': `
    const { Worker } = await import('node:worker_threads');
    const worker = new Worker(${JSON.stringify(`(async () => { ${PING} (await import('node:worker_threads')).parentPort.postMessage(0); setInterval(() => {}, 1000); })()`)}, { eval: true });
    await new Promise((resolve) => worker.once('message', resolve));
    await worker.terminate();
  `,
};

function run(script: string) {
  const { status, signal, stderr, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', script], {
    encoding: 'utf8',
    timeout: 20_000,
  });
  return [status, signal, stderr, stdout];
}

describe('pings', () => {
  for (const [what, script] of Object.entries(endings)) {
    it(`go quietly when ${what}`, function () {
      this.timeout(30_000);
      assert.deepEqual(run(script), [0, null, '', '']);
    });
  }

  it('keep a program alive until they are answered, and no longer', function () {
    this.timeout(30_000);
    const script = `
      const { pingCheck } = await import(${JSON.stringify(CHECK)});
      const server = { address: '127.0.0.1', port: 0 };
      const finding = await pingCheck().run({ server, signal: new AbortController().signal });
      console.log(finding.message);
    `;
    assert.deepEqual(run(script), [0, null, '', 'answered\n']);
  });
});
