/** When an environment ends, its host's monitor tells its news to nobody, and ends nothing else. */
import { strict as assert } from 'node:assert';
import { endingsOf, runScript } from '../support/quiet-endings.js';

const WATCH = `
  const { execSync } = await import('node:child_process');
  globalThis.monitor = new native.HostMonitor({ routeProtocol: 84 }, () => console.log('told'));
  execSync('ip link set lo down; ip link set lo up');
`;

describe('the monitor of a host', () => {
  for (const [what, script] of Object.entries(endingsOf('monitor', WATCH))) {
    it(`goes quietly when ${what}`, function () {
      this.timeout(30_000);
      const { status, signal, stderr } = runScript(script);
      assert.deepEqual([status, signal, stderr], [0, null, '']);
    });
  }
});
