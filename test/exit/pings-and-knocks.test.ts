/** When an environment ends, its pings and knocks end with it, and nothing else does. */
import { strict as assert } from 'node:assert';
import { endingsOf, runScript } from '../support/quiet-endings.js';

const CHECK = new URL('../../lib/health/checks/ping.js', import.meta.url).href;
const KNOCKS = new URL('../../lib/health/way/knock.js', import.meta.url).href;
const PING = `
  globalThis.pinger = new native.Pinger(() => {});
  for (let i = 0; i < 100; i++) pinger.ping('127.0.0.1', i, new Uint8Array(16));
`;

const KNOCK = `
  globalThis.knocker = new native.Knocker(() => {});
  for (let i = 0; i < 100; i++) knocker.knock('127.0.0.1', 1);
`;

function run(script: string) {
  const { status, signal, stderr, stdout } = runScript(script);
  return [status, signal, stderr, stdout];
}

function endings(what: string, handle: string, begun: string, { alive, says }: { alive: string; says: string }): void {
  describe(what, () => {
    for (const [how, script] of Object.entries(endingsOf(handle, begun))) {
      it(`go quietly when ${how}`, function () {
        this.timeout(30_000);
        assert.deepEqual(run(script), [0, null, '', '']);
      });
    }

    it('keep a program alive until they are answered, and no longer', function () {
      this.timeout(30_000);
      assert.deepEqual(run(alive), [0, null, '', says]);
    });
  });
}

endings('pings', 'pinger', PING, {
  alive: `
    const { pingCheck } = await import(${JSON.stringify(CHECK)});
    const server = { address: '127.0.0.1', port: 0 };
    const finding = await pingCheck().run({ server, signal: new AbortController().signal });
    console.log(finding.message);
  `,
  says: 'answered\n',
});

endings('knocks', 'knocker', KNOCK, {
  alive: `
    const { knock } = await import(${JSON.stringify(KNOCKS)});
    await knock({ host: '127.0.0.1', port: 1 }, new AbortController().signal).catch(({ reason }) => console.log(reason));
  `,
  says: 'refused\n',
});
