/** However a program with an open director ends, it does end, it does not crash, and the device is gone. */
import { strict as assert } from 'node:assert';
import { eventuallyHolds } from '../support/eventually.js';
import { describeLab, hostState, type LabHost, type LabProcess } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const PROGRAM = new URL('./programs/endings.js', import.meta.url);

/** A limit well above what any of them takes; what takes longer hangs. */
const HANG_MS = 20_000;

const withCode0 = [
  'falls off the end',
  'process.exit',
  'process.exit while opening',
  'close',
  'close twice',
  'await using',
  'close, open again, close',
  'close without waiting for it',
  'exit amid watch and connections',
  'forgotten and collected',
  'worker is terminated',
  'worker is terminated and another takes its place',
  'worker exits',
  'worker throws',
  'process.exit with a worker that has a director',
  'aborted before it is open',
];
const withCode1 = ['uncaught exception', 'unhandled rejection', 'exception in an event listener'];

describeLab('a program with an open director', () => {
  let host: LabHost;

  beforeOnLoneHost((made) => {
    host = made;
  });

  afterEach(async () => {
    // The kernel removes the device of a killed process behind its end.
    await eventuallyHolds(async () => assert.equal(await host.hasDevice('tunvs0'), false, 'the device is still there'));
  });

  function start(ending: string): LabProcess {
    return host.spawn([process.execPath, '--expose-gc', PROGRAM.pathname, ending]);
  }

  async function end(child: LabProcess) {
    const hang = setTimeout(() => child.kill('SIGABRT'), HANG_MS);
    const exit = await child.exited;
    clearTimeout(hang);
    return exit;
  }

  for (const ending of withCode0) {
    it(`ends well: ${ending}`, async () => {
      const child = start(ending);
      assert.deepEqual(await end(child), { code: 0, signal: null }, child.stderr);
      assert.deepEqual(child.lines, ['open']);
    });
  }

  for (const ending of withCode1) {
    it(`ends with the error and no crash: ${ending}`, async () => {
      const child = start(ending);
      assert.deepEqual(await end(child), { code: 1, signal: null }, child.stderr);
      assert.match(child.stderr, /on purpose/);
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL'] as const) {
    it(`ends by ${signal}`, async () => {
      const child = start('stays open');
      await child.line((line) => line === 'open');
      child.kill(signal);
      assert.deepEqual(await end(child), { code: null, signal });
    });
  }

  it('leaves no host set-up behind when it exits without closing', async () => {
    await host.setSysctls({ 'net/ipv4/ip_forward': '0' });
    await end(start('process.exit'));
    assert.equal(await host.sysctl('net/ipv4/ip_forward'), '0');
  });

  for (const ending of ['worker is terminated', 'worker throws', 'uncaught exception']) {
    it(`leaves no host set-up behind: ${ending}`, async () => {
      await host.setSysctls({ 'net/ipv4/ip_forward': '0' });
      const before = await hostState(host);
      await end(start(ending));
      await eventuallyHolds(async () => assert.equal(await hostState(host), before));
    });
  }

  for (const signal of ['SIGTERM', 'SIGINT', 'SIGKILL', 'SIGSEGV'] as const) {
    it(`has nothing left on the host soon after ${signal}`, async () => {
      await host.setSysctls({ 'net/ipv4/ip_forward': '0' });
      const before = await hostState(host);
      const child = start('stays open');
      await child.line((line) => line === 'open');
      assert.equal(await host.sysctl('net/ipv4/ip_forward'), '1');
      child.kill(signal);
      await child.exited;
      await eventuallyHolds(async () => assert.equal(await hostState(host), before));
    });
  }
});
