/** Whatever a connection policy does, the process ends as it would without a director, or goes on by the scheduler. */
import { strict as assert } from 'node:assert';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const PROGRAM = new URL('./programs/hostile-policies.js', import.meta.url);

/** A limit well above what any of them takes; what takes longer hangs. */
const HANG_MS = 30_000;

interface Deed {
  name: string;
  code?: number;
  lines?: string[];
  /** The deeds for which the two differ. */
  offline?: string[];
}

const deeds: Deed[] = [
  { name: 'throws an error' },
  { name: 'throws null' },
  { name: 'throws a symbol' },
  { name: 'throws what cannot be printed' },
  { name: 'answers what cannot be printed' },
  { name: 'answers numbers that name nothing' },
  { name: 'recurses' },
  { name: 'blocks for a while' },
  { name: 'closes the director' },
  { name: 'closes the director and throws' },
  {
    name: 'calls its director',
    lines: ['called', 'survived'],
    offline: ['ERR_TUNVS_BUSY', 'ERR_TUNVS_BUSY', 'called', 'survived'],
  },
  {
    name: 'transfers what it sees',
    lines: ['ERR_INVALID_TRANSFER_OBJECT', 'ERR_INVALID_TRANSFER_OBJECT', 'survived'],
  },
  { name: 'detaches the packets' },
  { name: 'breaks what others rely on' },
  { name: 'exits', code: 7, lines: [] },
  { name: 'is terminated', lines: ['the worker ended with 1'] },
  { name: 'allocates', lines: ['ERR_WORKER_OUT_OF_MEMORY'] },
  { name: 'exits in a worker', lines: ['the worker ended with 7'] },
];

describeLab('a connection policy that is hostile', () => {
  let host: LabHost;

  beforeOnLoneHost((made) => {
    host = made;
  });

  async function run(mode: 'online' | 'offline', name: string) {
    const child = host.spawn([process.execPath, PROGRAM.pathname, mode, name]);
    const hang = setTimeout(() => child.kill('SIGABRT'), HANG_MS);
    const exit = await child.exited;
    clearTimeout(hang);
    return { ...exit, lines: child.lines, stderr: child.stderr };
  }

  it('an environment that ends while news waits for it ends alone', async () => {
    for (let round = 0; round < 3; round++) {
      const child = host.spawn([process.execPath, new URL('./programs/ends-with-events.js', import.meta.url).pathname]);
      const hang = setTimeout(() => child.kill('SIGABRT'), HANG_MS);
      const { code, signal } = await child.exited;
      clearTimeout(hang);
      assert.deepEqual(
        { code, signal, lines: child.lines },
        { code: 0, signal: null, lines: ['survived'] },
        child.stderr,
      );
    }
  });

  for (const mode of ['offline', 'online'] as const) {
    for (const deed of deeds) {
      it(`is survived ${mode}: ${deed.name}`, async () => {
        const { code, signal, lines, stderr } = await run(mode, deed.name);
        assert.deepEqual({ code, signal }, { code: deed.code ?? 0, signal: null }, stderr);
        assert.deepEqual(lines, (mode === 'offline' && deed.offline) || deed.lines || ['survived'], stderr);
      });
    }

    it(`is survived ${mode}: runs into a timeout of vm`, async () => {
      const { code, lines, stderr } = await run(mode, 'runs into a timeout of vm');
      assert.equal(code, 0, stderr);
      assert.ok(lines.includes('ERR_SCRIPT_EXECUTION_TIMEOUT'), stderr);
      assert.equal(lines.at(-1), 'survived', stderr);
    });
  }

  it('leaves no device behind', async () => {
    assert.equal(await host.hasDevice('tunvs0'), false);
  });
});
