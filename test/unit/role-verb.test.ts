/** `tunvs role` and `/v1/role` at a director without a device. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verbs } from '../../lib/cli/verbs/index.js';
import { createClient, serveControl } from '../../lib/control/index.js';
import { Director, type OfflineDirector } from '../../lib/index.js';
import { metricsText } from '../../lib/metrics/index.js';
import { cli } from '../support/cli.js';

describe('tunvs role', () => {
  let folder: string;
  let director: OfflineDirector;
  let socket: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-role-'));
    socket = join(folder, 'tunvs.sock');
    director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    await serveControl(director, { socket: { path: socket } });
  });

  afterEach(async () => {
    await director.close();
    rmSync(folder, { recursive: true });
  });

  const role = (...words: string[]) => cli(['role', ...words, '--socket', socket], verbs);

  it('prints the role, and sets it however often it is asked', async () => {
    assert.deepEqual(await role(), { exitCode: 0, stdout: 'active\n', stderr: '' });
    for (let count = 0; count < 2; count += 1)
      assert.deepEqual(await role('standby'), { exitCode: 0, stdout: 'standby\n', stderr: '' });
    assert.equal(director.role, 'standby');
    assert.equal((await role('--json')).stdout, '{"role":"standby"}\n');
    assert.equal((await role('active', '--json')).stdout, '{"role":"active"}\n');
  });

  it('refuses another word, and says which there are', async () => {
    const { exitCode, stderr } = await role('master');
    assert.equal(exitCode, 2);
    assert.match(stderr, /master.*active.*standby/s);
  });

  it('says that no director runs where none does', async () => {
    const { exitCode, stderr } = await cli(['role', 'active', '--socket', join(folder, 'none.sock')], verbs);
    assert.equal(exitCode, 1);
    assert.match(stderr, /no director answers at .*none\.sock: start one with "tunvs run"/);
  });

  it('is seen in the status, the metrics and the events of the control API', async () => {
    const client = createClient({ socket });
    const stop = new AbortController();
    const events = client.events({ signal: stop.signal });
    const first = events.next();
    // The stream is open once its answer has begun.
    await client.role();
    let found: unknown;
    const reading = first.then(({ value }) => {
      found = value;
    });
    await client.setRole('standby');
    await reading;
    assert.deepEqual((found as { event: string; data: object }).event, 'role');
    assert.deepEqual((found as { data: object }).data, { role: 'standby', before: 'active' });
    stop.abort();
    const { role: said, heldBack } = await client.status();
    assert.deepEqual([said, heldBack], ['standby', ['192.0.2.1']]);
    const figures = [...metricsText(director)].join('');
    assert.match(figures, /^tunvs_active 0$/m);
    assert.match(figures, /^tunvs_held_back_addresses 1$/m);
  });
});
