/** `tunvs run` as a service: its name, its user, its service manager, its log, in the sandbox of its unit. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventuallyHolds } from '../support/eventually.js';
import { describeLab, type LabHost, type LabProcess } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;
const NOBODY = '65534';
const TWO_CAPABILITIES = '0000000000003000';

/** Prints each datagram that comes to the socket, a line each. */
const LISTENER = `
import os, socket, sys
manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
manager.bind(sys.argv[1])
os.chmod(sys.argv[1], 0o777)
print('listens', flush=True)
while True: print(manager.recv(4096).decode().replace('\\n', ' '), flush=True)
`;

describeLab('a daemon', () => {
  let host: LabHost;
  let folder: string;
  let running: LabProcess[] = [];

  beforeOnLoneHost((lone) => {
    host = lone;
  });

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-daemon-'));
    writeRules('10.2.0.11');
  });

  afterEach(async () => {
    for (const each of running) each.kill('SIGTERM');
    await Promise.all(running.map((each) => each.exited));
    running = [];
    // A killed director's guardian may still write there.
    rmSync(folder, { recursive: true, maxRetries: 20, retryDelay: 100 });
  });

  const rules = () => join(folder, 'rules');
  const writeRules = (server: string) =>
    writeFileSync(rules(), `-A -t 10.9.9.9:80 -s rr\n-a -t 10.9.9.9:80 -r ${server} -i\n`);
  const arguments_ = (more: readonly string[]) => [
    process.execPath,
    MAIN,
    'run',
    '--rules',
    rules(),
    '--source',
    '10.2.0.2',
    '--queues',
    '1',
    ...more,
  ];

  function start(command: readonly string[]): LabProcess {
    const started = host.spawn([...command]);
    running.push(started);
    return started;
  }

  /** Whoever runs it can look into this folder, and so write the books there. */
  const open = (more: readonly string[], before: readonly string[] = []) =>
    start([
      'sh',
      '-c',
      'chmod 755 "$0"; exec "$@"',
      folder,
      'env',
      `TUNVS_RUNTIME_DIR=${folder}/run`,
      ...before,
      ...arguments_(more),
    ]);

  const ready = (daemon: LabProcess) => daemon.line((line) => line.startsWith('tunvs run: ready'));

  it('has a name of its own on the host, and a device that goes by it', async () => {
    const first = open(['--name', 'web']);
    assert.match(await ready(first), /ready on tunvs-web /);
    const second = open(['--name', 'web']);
    assert.equal((await second.exited).code, 1);
    assert.match(second.stderr, /^tunvs run: a daemon with the name web runs already \(process \d+\): end it, or give/);
    writeFileSync(rules(), '-A -t 10.9.9.8:80\n');
    await ready(open(['--name', 'mail']));
    first.kill('SIGKILL');
    await first.exited;
    assert.equal(existsSync(join(folder, 'run/web.lock')), true);
    writeRules('10.2.0.12');
    await ready(open(['--name', 'web']));
  });

  it('tells the service manager that it is ready, reloads, moves and ends', async () => {
    const socket = join(folder, 'notify');
    const manager = start(['python3', '-c', LISTENER, socket]);
    await manager.line((line) => line === 'listens');
    const daemon = open([], [`NOTIFY_SOCKET=${socket}`, 'WATCHDOG_USEC=400000']);
    await manager.line((line) => /^READY=1 MAINPID=\d+ STATUS=ready on tunvs0/.test(line));
    await manager.line((line) => line === 'WATCHDOG=1');
    daemon.kill('SIGHUP');
    await manager.line((line) => /^RELOADING=1 MONOTONIC_USEC=\d+$/.test(line));
    daemon.kill('SIGTERM');
    await manager.line((line) => line.startsWith('STOPPING=1'));
    assert.deepEqual(await daemon.exited, { code: 0, signal: null });
  });

  it('writes what happened into its log, which is opened anew on SIGHUP, and a full disk is no failure', async () => {
    const log = join(folder, 'log');
    const daemon = open(['--log-file', log, '--log-format', 'json']);
    await ready(daemon);
    rmSync(log);
    writeRules('10.2.0.13');
    daemon.kill('SIGHUP');
    const events = () =>
      readFileSync(log, 'utf8')
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line).event);
    await eventuallyHolds(async () => assert.deepEqual(events(), ['reloaded']));
    writeFileSync(rules(), '-A nonsense\n');
    daemon.kill('SIGHUP');
    await eventuallyHolds(async () => assert.deepEqual(events(), ['reloaded', 'reloadRefused']));
    daemon.kill('SIGTERM');
    assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    assert.deepEqual(events(), ['reloaded', 'reloadRefused', 'stopping', 'stopped']);
    writeRules('10.2.0.11');
    const full = open(['--log-file', '/dev/full']);
    await ready(full);
    full.kill('SIGTERM');
    assert.deepEqual(await full.exited, { code: 0, signal: null });
  });

  async function assertServes(daemon: LabProcess, before: string): Promise<void> {
    await ready(daemon);
    const status = (await host.exec(['cat', `/proc/${await processOf()}/status`])).stdout;
    assert.match(status, new RegExp(`^Uid:(\t${NOBODY}){4}$`, 'm'));
    for (const kind of ['Inh', 'Prm', 'Eff', 'Bnd', 'Amb'])
      assert.match(status, new RegExp(`^Cap${kind}:\t${TWO_CAPABILITIES}$`, 'm'));
    assert.match(status, /^NoNewPrivs:\t1$/m);
    writeRules('10.2.0.12');
    daemon.kill('SIGHUP');
    await daemon.line((line) => line.startsWith('tunvs run: rules read again: 2 changes'));
    daemon.kill('SIGTERM');
    assert.deepEqual(await daemon.exited, { code: 0, signal: null });
    assert.equal(await routes(), before);
    assert.equal(await host.hasDevice('tunvs0'), false);
  }

  const routes = async () => (await host.exec(['ip', 'route', 'show', 'table', 'all'])).stdout;
  const processOf = async () =>
    (await host.exec(['pgrep', '-n', '-f', `^${process.execPath} .*--rules ${rules()}`])).stdout.trim();

  it('started by root becomes another user with two capabilities, forwards, reloads and undoes', async function () {
    if (!mapsNobody()) return this.skip();
    const before = await routes();
    await assertServes(open(['--user', `${NOBODY}:${NOBODY}`]), before);
  });

  it('works in the sandbox of its unit, and takes back there what a killed one has left', async function () {
    if (!mapsNobody()) return this.skip();
    const before = await routes();
    const kept = '-all,+net_admin,+net_raw';
    const sandboxed = () =>
      open(
        [],
        [
          'unshare',
          '-m',
          'sh',
          '-c',
          'mkdir -p "$TUNVS_RUNTIME_DIR" && chown "$0" "$TUNVS_RUNTIME_DIR" && mount --bind "$TUNVS_RUNTIME_DIR" "$TUNVS_RUNTIME_DIR" && ' +
            'mount -o remount,bind,ro / && exec "$@"',
          NOBODY,
          'setpriv',
          ...[`--reuid=${NOBODY}`, `--regid=${NOBODY}`, '--clear-groups', '--no-new-privs'],
          ...[`--inh-caps=${kept}`, `--ambient-caps=${kept}`, `--bounding-set=${kept}`],
        ],
      );
    const killed = sandboxed();
    await ready(killed);
    killed.kill('SIGKILL');
    await killed.exited;
    await assertServes(sandboxed(), before);
  });
});

/** In a user namespace with one user there is nobody else to become. */
function mapsNobody(): boolean {
  const [, , count] = readFileSync('/proc/self/uid_map', 'utf8').trim().split(/\s+/);
  return Number(count) > Number(NOBODY);
}
