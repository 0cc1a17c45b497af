/** What goes wrong around a running daemon: how it ends, what it leaves, what becomes of its files. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { eventually } from '../support/eventually.js';
import { describeLab, type LabHost, type LabProcess } from '../support/lab.js';
import { beforeEachOperated, type Operated, operatedConfig } from '../support/operated.js';

const SERVER = '10.2.0.11';
const program = new URL('../support/programs/hanging-clients.js', import.meta.url).pathname;

/** Steps the clock of the day by an hour to and fro with each look at it. */
const JUMPING =
  'data:text/javascript,const now=Date.now.bind(Date);let looks=0;Date.now=()=>now()+(looks++&1)*7200000-3600000';

describeLab('a daemon around which things go wrong', function () {
  this.timeout(120_000);
  let host: LabHost;
  let operated: Operated;

  beforeEachOperated((each) => {
    operated = each;
    host = each.host;
  });

  const configure = (weight = 1, name = 'tunvs.yaml') => operated.write(name, operatedConfig({ [SERVER]: weight }));
  const start = (...more: string[]) => operated.start(['--config', configure(), ...more]);
  const ended = { code: 0, signal: null };

  it('ends on SIGTERM while clients hang on its doors, and leaves neither socket nor lock nor routes', async () => {
    const before = await operated.hostState();
    const daemon = await start();
    const clients = host.spawn([process.execPath, program, join(operated.run, 'tunvs.sock')]);
    await clients.line((line) => line === 'all hang');
    assert.equal((await operated.tunvs('status')).code, 0);
    assert.deepEqual(await daemon.stop('SIGTERM'), ended);
    await clients.line((line) => line === 'all are cut');
    assert.equal(await operated.hostState(), before);
    assert.deepEqual(
      ['tunvs.sock', 'tunvs.lock'].filter((name) => existsSync(join(operated.run, name))),
      [],
    );
    const nobody = await operated.tunvs('status');
    assert.equal(nobody.code, 1);
    assert.match(nobody.stderr, /^tunvs status: no director answers at \S+: start one with "tunvs run"/);
  });

  it('is started again after SIGKILL over the socket and the lock that it left', async () => {
    const daemon = await start();
    await daemon.stop('SIGKILL');
    for (const name of ['tunvs.sock', 'tunvs.lock']) assert.equal(existsSync(join(operated.run, name)), true);
    const { code, stderr } = await operated.adm('-Ln');
    assert.equal(code, 1);
    assert.match(stderr, /^tunvsadm: the daemon that made \S+ has ended: start it/);
    await start();
    assert.deepEqual(await operated.weights(), { [SERVER]: 1 });
  });

  it('goes on while the disk of its log is full, and says what was lost when there is room', async () => {
    const disk = operated.path('disk');
    mkdirSync(disk);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=16k', 'tmpfs', disk]);
    try {
      const log = join(disk, 'log');
      const daemon = await start('--log-file', log, '--log-format', 'json');
      assert.ok(fails(() => writeFileSync(join(disk, 'ballast'), Buffer.alloc(65536))));
      // The last page of the log still has room for some lines.
      for (let weight = 2; weight < 30; weight++) {
        configure(weight);
        if (weight % 2 === 0) daemon.kill('SIGHUP');
        assert.equal((await operated.tunvs('reload')).code, 0);
        if (weight % 10 === 0) assert.deepEqual(await operated.weights(), { [SERVER]: weight });
      }
      const { length } = readFileSync(log);
      rmSync(join(disk, 'ballast'));
      assert.equal((await operated.tunvs('reload')).code, 0);
      assert.ok(length < 8192 && statSync(log).size > length);
      assert.match(
        readFileSync(log, 'utf8'),
        /^\{"level":"warn",.*"lines":\d+,"message":"\d+ lines? of .*: the disk was full"\}$/m,
      );
      assert.deepEqual(await daemon.stop(), ended);
    } finally {
      await operated.stop();
      execFileSync('umount', ['-l', disk]);
    }
  });

  it('reloads, answers and ends while nothing of its log can be written', async () => {
    const daemon = await start('--log-file', '/dev/full', '--log-level', 'debug');
    configure(5);
    assert.match((await operated.tunvs('reload')).stdout, /^1 change\n/);
    operated.write('tunvs.yaml', 'nonsense');
    assert.equal((await operated.tunvs('reload')).code, 1);
    assert.deepEqual(await operated.weights(), { [SERVER]: 5 });
    assert.deepEqual(await daemon.stop(), ended);
  });

  it('reloads, answers and ends while the clock jumps', async () => {
    const daemon = await operated.start(['--config', configure(), '--reload-on-change'], {
      environment: { NODE_OPTIONS: `--import="${JUMPING}"` },
    });
    configure(6);
    await eventually(
      () => operated.weights(),
      (seen) => seen[SERVER] === 6,
      'the changed file is read',
    );
    const status = JSON.parse((await operated.tunvs('status', '--json')).stdout);
    assert.ok(status.upMs >= 0 && status.upMs < 3_600_000, `${status.upMs}`);
    assert.ok(status.intervalMs > 0 && status.intervalMs < 60_000, `${status.intervalMs}`);
    assert.deepEqual(await daemon.stop(), ended);
  });

  it('keeps what it has when its file is no file any more, says what it is, and reads it when it is back', async () => {
    // Root reads what nobody may read, unless it lacks these.
    const lacking = ['setpriv', '--bounding-set=-dac_override,-dac_read_search'];
    const file = configure();
    const daemon = await operated.start(['--config', file], { before: lacking });
    const broken: [string, () => unknown, RegExp][] = [
      ['a folder', () => mkdirSync(file), /it is a folder/],
      ['a FIFO', () => execFileSync('mkfifo', [file]), /it is a FIFO, and a reload needs a file: put a configuration/],
      ['a file that nobody may read', () => chmodSync(configure(9), 0), /you may not read it/],
      ['nothing', () => {}, /there is no such file/],
      ['an empty file', () => writeFileSync(file, ''), /source: it is missing/],
    ];
    for (const [what, put, sentence] of broken) {
      rmSync(file, { recursive: true, force: true });
      put();
      const { code, stderr } = await operated.tunvs('reload');
      assert.equal(code, 1, what);
      assert.match(stderr, sentence);
      assert.equal(stderr.includes(file), true, stderr);
      assert.deepEqual(await operated.weights(), { [SERVER]: 1 }, what);
    }
    rmSync(file);
    configure(8);
    daemon.kill('SIGHUP');
    await daemon.line((line) => line === 'tunvs run: configuration read again: 1 change');
    assert.deepEqual(await operated.weights(), { [SERVER]: 8 });
  });

  it('makes its socket again when somebody deletes it', async () => {
    const daemon = await start();
    rmSync(join(operated.run, 'tunvs.sock'));
    assert.equal((await operated.adm('-Ln')).code, 1);
    await eventually(
      async () => (await operated.adm('-Ln')).code,
      (code) => code === 0,
      'the socket is there again',
    );
    assert.deepEqual(await daemon.stop(), ended);
    assert.equal(existsSync(join(operated.run, 'tunvs.sock')), false);
  });

  it('has a name that no other has, and lives beside daemons of other names', async () => {
    await start();
    const again = operated.spawn(['--config', operated.path('tunvs.yaml')]);
    assert.deepEqual(await again.exited, { code: 1, signal: null });
    const { pid } = JSON.parse((await operated.tunvs('status', '--json')).stdout);
    assert.match(
      again.stderr,
      new RegExp(`^tunvs run: a daemon with the name tunvs runs already \\(process ${pid}\\)`),
    );
    const blue = operated.write('blue.yaml', operatedConfig({ '10.2.0.12': 3 }).replace('10.9.9.9', '10.9.9.8'));
    await operated.start(['--config', blue, '--name', 'blue']);
    assert.deepEqual(await operated.weights(), { [SERVER]: 1 });
    assert.deepEqual(await operated.weights('--name', 'blue'), { '10.2.0.12': 3 });
    await operated.adm('--name', 'blue', '-C');
    assert.deepEqual(await operated.weights(), { [SERVER]: 1 });
    assert.deepEqual(await operated.weights('--name', 'blue'), {});
    assert.match((await operated.tunvs('status', '--name', 'blue')).stdout, /^device +tunvs-blue /m);
    const { stderr } = await operated.adm('--name', 'green', '-Ln');
    assert.match(stderr, /no daemon listens on \S+green\.sock/);
  });

  const readOnly = () => {
    mkdirSync(operated.run, { recursive: true });
    return ['unshare', '-m', 'sh', '-ec', 'mount -t tmpfs -o ro,mode=755 tmpfs "$0"; exec "$@"', operated.run];
  };

  it('goes on without a socket where its folder cannot be written, and says so', async () => {
    const daemon: LabProcess = await operated.start(['--config', configure()], { before: readOnly() });
    await eventually(
      async () => daemon.stderr,
      (said) => /^tunvs run: there is no control socket: .*EROFS/m.test(said),
      'it says that there is none',
    );
    configure(4);
    daemon.kill('SIGHUP');
    await daemon.line((line) => line.includes('read again: 1 change'));
    assert.deepEqual(await daemon.stop(), ended);
  });

  it('does not start under a chosen name there', async () => {
    const daemon = operated.spawn(['--config', configure(), '--name', 'blue'], { before: readOnly() });
    assert.deepEqual(await daemon.exited, { code: 1, signal: null });
    assert.match(
      daemon.stderr,
      /^tunvs run: the name blue cannot be taken \(.*(EROFS|read-only).*\): start this one with the --user/,
    );
    assert.equal(await host.hasDevice('tunvs-blue'), false);
  });
});

function fails(step: () => void): boolean {
  try {
    step();
    return false;
  } catch {
    return true;
  }
}
