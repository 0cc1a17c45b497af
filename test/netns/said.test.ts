/** A command says what goes wrong while it runs, on standard error and by its exit code. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describeLab, Lab, type LabHost, type LabProcess } from '../support/lab.js';

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;
/** A limit well above what any of it takes. */
const HANG_MS = 20_000;

describeLab('a command that goes on although something is wrong', () => {
  let lab: Lab;
  let host: LabHost;
  let folder: string;
  let child: LabProcess | undefined;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-said-'));
    lab = Lab.create();
    host = await lab.addHost('host');
    host.ip([
      'link set dev lo up',
      'link add name eth0 type veth peer name unplugged',
      'link set dev eth0 up',
      'link set dev unplugged up',
      'address add 10.2.0.2/24 dev eth0',
    ]);
    const rules = '-A -u 10.9.9.9:53 -o\n-a -u 10.9.9.9:53 -r 203.0.113.9 -i\n';
    writeFileSync(join(folder, 'dns.rules'), rules);
  });

  afterEach(async () => {
    child?.kill('SIGKILL');
    await child?.exited;
    child = undefined;
  });

  after(async () => {
    await lab?.dispose();
    rmSync(folder, { recursive: true });
  });

  async function until(isTrue: () => boolean): Promise<void> {
    for (let waited = 0; !isTrue(); waited += 50) {
      assert.ok(waited < HANG_MS && child?.exit === undefined, `not within ${HANG_MS} ms; said: ${child?.stderr}`);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }

  const isReady = () => child?.lines.some((line) => /ready|real server for/.test(line)) ?? false;

  async function runDirector(egress: string, ...before: string[]): Promise<LabProcess> {
    const rules = join(folder, 'dns.rules');
    const options = ['--rules', rules, '--source', '10.2.0.2', '--egress', egress, '--queues', '1'];
    child = host.spawn([...before, process.execPath, MAIN, 'run', ...options]);
    await until(isReady);
    return child;
  }

  function runRealServer(environment: NodeJS.ProcessEnv = {}): LabProcess {
    const options = ['--vip', '10.9.9.9', '--director', '10.2.0.3', '--mode', 'userspace', '--forwarding', 'gue'];
    return host.spawn([process.execPath, MAIN, 'realserver', ...options], environment);
  }

  /**
   * Destroys sockets, whose owners get ECONNABORTED. Returns false where the kernel has no CONFIG_INET_DIAG_DESTROY.
   */
  async function destroyUdpSockets(): Promise<boolean> {
    return (await host.exec(['ss', '-H', '-K', '-u', '-a', '-n'])).stdout !== '';
  }

  it('tunvs run says that packets could not be sent, and why', async () => {
    const director = await runDirector('raw');
    assert.match(director.stderr, /dns\.rules:1: -o without -s: the scheduler wlc compares numbers of connections/);
    host.spawn(['bash', '-c', 'for i in 1 2 3; do echo hello > /dev/udp/10.9.9.9/53; done']);
    await until(() => /tunvs run: \d+ packets? could not be sent; .*no route/.test(director.stderr));
    director.kill('SIGTERM');
    assert.deepEqual(await director.exited, { code: 0, signal: null });
  });

  it('tunvs run says that it cannot learn path MTUs', async () => {
    const director = await runDirector('tun', 'setpriv', '--inh-caps=-net_raw', '--bounding-set=-net_raw');
    assert.match(
      director.stderr,
      /tunvs run: ICMP errors to 10\.2\.0\.2 cannot be read, so path MTUs are not learned: .*CAP_NET_RAW/,
    );
  });

  it('tunvs realserver ends with exit code 1 when its device is deleted', async () => {
    const options = ['--vip', '10.9.9.9', '--director', '10.2.0.3', '--mode', 'userspace'];
    child = host.spawn([process.execPath, MAIN, 'realserver', ...options]);
    await until(isReady);
    host.ip(['link delete dev tunvs-rs0']);
    assert.deepEqual(await child.exited, { code: 1, signal: null });
    assert.match(
      child.stderr,
      /^tunvs realserver: the device tunvs-rs0 is gone: (somebody has deleted it|it was deleted, .*); tunnel packets no longer reach/m,
    );
  });

  it('tunvs realserver ends with exit code 1 when one of its sockets fails', async function () {
    child = runRealServer();
    await until(isReady);
    if (!(await destroyUdpSockets())) this.skip();
    assert.deepEqual(await child.exited, { code: 1, signal: null });
    assert.match(
      child.stderr,
      /^tunvs realserver: receiving tunnel packets failed: .*; tunnel packets no longer reach/m,
    );
    assert.match(child.lines.at(-1) ?? '', /^stopped by an error; received 0, /);
  });

  it('tunvs realserver says why it ended, and what is left on the host, when it fails and is not undone', async function () {
    const programs = join(folder, 'programs');
    mkdirSync(programs);
    symlinkSync(execFileSync('which', ['ip'], { encoding: 'utf8' }).trim(), join(programs, 'ip'));
    child = runRealServer({ PATH: programs });
    await until(isReady);
    rmSync(programs, { recursive: true });
    if (!(await destroyUdpSockets())) this.skip();
    assert.deepEqual(await child.exited, { code: 1, signal: null });
    assert.match(
      child.stderr,
      /^tunvs realserver: receiving tunnel packets failed: .*\ntunvs realserver: the host could not be restored: /m,
    );
  });
});
