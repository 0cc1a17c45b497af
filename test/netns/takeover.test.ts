/** Takeovers that are refused or fail: what runs goes on where it can, and no connection is lost. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CONNECTIONS, KeptDaemon } from '../support/kept-daemon.js';
import { describeLab, TestStage } from '../support/lab.js';

describeLab('a takeover of tunvs run --state', () => {
  let folder: string;
  let stage: TestStage;
  let kept: KeptDaemon;

  before(async () => {
    folder = mkdtempSync('/dev/shm/tunvs-takeover-');
    stage = await TestStage.open({ realServers: 2 });
    kept = new KeptDaemon(stage, 'ipip', folder);
  });

  after(async () => {
    await kept?.daemon?.stop('SIGTERM');
    await stage?.close();
    rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
  });

  const assertAllGoOn = async () => assert.deepEqual((await kept.steady.answered(2)).failures, []);

  it('begins as usual where no director runs', async () => {
    assert.doesNotMatch(await kept.start('--takeover'), /taken over/);
    await kept.startClients();
    await assertAllGoOn();
  });

  it('is refused with another choice of queues, and what runs goes on', async () => {
    const other = kept.spawn('--takeover', '--queues', '1');
    assert.equal((await other.exited).code, 1);
    assert.match(
      other.stderr,
      /cannot be taken over with another choice of the 2 queues of tunvs0: leave that as it is/,
    );
    await assertAllGoOn();
    assert.equal(kept.daemon.exit, undefined);
  });

  for (const [what, words] of Object.entries({
    maxConnections: ['--max-connections', '100000'],
    "offloads, between 'off' and the others": ['--offloads', 'off'],
  }))
    it(`is refused with another choice of ${what}, and what runs goes on`, async () => {
      const other = kept.spawn('--takeover', ...words);
      assert.equal((await other.exited).code, 1);
      assert.ok(other.stderr.includes(`with another choice of ${what}: leave that as it is`), other.stderr);
      await assertAllGoOn();
      assert.equal(kept.daemon.exit, undefined);
    });

  it('is refused where the host routes an address elsewhere, before what runs is stopped', async () => {
    stage.director.ip(['route add 10.77.0.1/32 dev lo']);
    const other = kept.spawn('--takeover', '--config', kept.configWith('10.77.0.1'));
    assert.equal((await other.exited).code, 1);
    assert.match(other.stderr, /this host routes 10\.77\.0\.1 elsewhere/);
    await assertAllGoOn();
    assert.equal(kept.daemon.exit, undefined);
  });

  it('is refused without a state and with rings, in a sentence', async () => {
    const without = kept.spawnWithout('--state', '--takeover');
    assert.equal((await without.exited).code, 2);
    assert.match(without.stderr, /--takeover: expected a director with a state/);
    const ringed = kept.spawn('--takeover', '--ring', 'eth0');
    assert.equal((await ringed.exited).code, 2);
    assert.match(ringed.stderr, /--takeover: expected no takeover with rings/);
    await assertAllGoOn();
  });

  it('hears out whoever talks to its socket, and goes on', async () => {
    const path = join(kept.stateFolder, 'takeover');
    for (const text of ['', '\n', '{}\n', '{"ask":"end"}\n', '{"ask":"devices","version":99}\n', 'x'.repeat(10_000)]) {
      const socket = connect(path).setEncoding('utf8');
      let said = '';
      socket.on('data', (piece: string) => {
        said += piece;
      });
      socket.on('error', () => {});
      await once(socket, 'connect');
      socket.end(text);
      await once(socket, 'close');
      if (text.includes('\n')) assert.match(said, /^{"refused":".*"}\n$/, text);
    }
    await assertAllGoOn();
  });

  it('is what "tunvs upgrade" does, with the options and the environment of what runs', async () => {
    const upgrade = await kept.tunvs('upgrade', '--name', 'kept', '--json');
    assert.equal(upgrade.code, 0, upgrade.stderr);
    const said = JSON.parse(upgrade.stdout.trim().split('\n').at(-1) ?? '') as { before: number; after: number };
    assert.deepEqual(await kept.daemon.exited, { code: 0, signal: null });
    assert.ok(said.before !== said.after);
    await assertAllGoOn();
    // The next ones of this suite are children of the test again.
    await kept.start('--takeover');
    await assertAllGoOn();
  });

  it('goes on when a door of the new one does not open', async () => {
    await kept.start('--takeover', '--control-group', 'nobody-has-this-group');
    assert.match(kept.daemon.stderr, /the director goes on without this: .*nobody-has-this-group/);
    await assertAllGoOn();
    await kept.start('--takeover');
    await assertAllGoOn();
  });

  it('goes on when the one before is killed while it hands over', async () => {
    const before = kept.daemon;
    const ready = kept.start('--takeover');
    // Its socket goes when it has stopped.
    while (before.exit === undefined && existsSync(join(kept.stateFolder, 'takeover'))) await sleep(1);
    await before.stop('SIGKILL');
    await ready;
    await assertAllGoOn();
  });

  it('is refused by "tunvs upgrade" where the new process does not begin, and what runs goes on', async () => {
    const upgrade = await kept.tunvs('upgrade', '--name', 'nobody');
    assert.equal(upgrade.code, 1);
    assert.match(upgrade.stderr, /no director answers at .*nobody\.sock/);
    kept.breakConfig();
    const broken = await kept.tunvs('upgrade', '--name', 'kept');
    kept.mendConfig();
    assert.equal(broken.code, 1);
    assert.match(broken.stderr, /ipip\.yaml:\d+:\d+: .*\ntunvs upgrade: process \d+ goes on, for the reason/s);
    await assertAllGoOn();
  });

  it('that ends in the middle ends the one before as well, with an error, and the next start goes on', async () => {
    // It says that it takes the place, and goes.
    const socket = connect(join(kept.stateFolder, 'takeover')).setEncoding('utf8');
    await once(socket, 'connect');
    socket.write('{"ask":"stop"}\n');
    const [said] = await once(socket, 'data');
    assert.equal(said, '{"stopped":true}\n');
    const second = kept.spawn('--takeover');
    socket.destroy();
    assert.equal((await kept.daemon.exited).code, 1);
    assert.match(
      kept.daemon.stderr,
      /has ended before it was done: start the director again, whose connections are kept/,
    );
    await second.stop('SIGKILL');
    const [, taken] = /, (\d+) connections taken over/.exec(await kept.start()) ?? [];
    assert.ok(Number(taken) >= CONNECTIONS);
    await assertAllGoOn();
    const { short } = await kept.stopClients();
    assert.deepEqual(short.failures, []);
  });
});
