/** When an environment ends, its pings end with it, and nothing else does. */
import { strict as assert } from 'node:assert';
import { endingsOf, runScript } from '../support/quiet-endings.js';

const CHECK = new URL('../../lib/health/checks/ping.js', import.meta.url).href;
const PING = `
  globalThis.pinger = new native.Pinger(() => {});
  for (let i = 0; i < 100; i++) pinger.ping('127.0.0.1', i, new Uint8Array(16));
`;

function run(script: string) {
  const { status, signal, stderr, stdout } = runScript(script);
  return [status, signal, stderr, stdout];
}

describe('pings', () => {
  for (const [what, script] of Object.entries(endingsOf('pinger', PING))) {
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
