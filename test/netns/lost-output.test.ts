/** A command that runs until a signal goes on when nobody takes its output any more. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { eventuallyHolds } from '../support/eventually.js';
import { describeLab, type LabHost, type LabProcess } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const TUNVS = `"${process.execPath}" "${new URL('../../lib/cli/main.js', import.meta.url).pathname}"`;

describeLab('a lost output', () => {
  let host: LabHost;
  let folder: string;
  let shell: LabProcess;

  beforeOnLoneHost((lone) => {
    host = lone;
    folder = mkdtempSync(join(tmpdir(), 'tunvs-lost-'));
    writeFileSync(join(folder, 'web.rules'), '-A -t 10.9.9.9:80\n-a -t 10.9.9.9:80 -r 10.2.0.11 -i\n');
  });

  afterEach(async () => {
    shell.kill('SIGKILL');
    await shell.exited;
  });

  after(() => rmSync(folder, { recursive: true }));

  const director = () => `run --rules ${folder}/web.rules --source 10.2.0.2 --queues 1 --stats-interval 0.2`;
  const realServer = 'realserver --vip 10.9.9.9 --director 10.2.0.3 --mode userspace';

  /** Says the command's process and exit code on file descriptor 3, which is standard error, whatever `where` does. */
  function start(command: string, where: string): void {
    const noted = `sh -c 'echo "pid $$" >&3; exec ${TUNVS} ${command}'`;
    shell = host.spawn(['sh', '-c', `exec 3>&2; { ${noted}; echo "code $?" >&3; } ${where}`]);
  }

  const said = (pattern: RegExp) => eventuallyHolds(async () => assert.match(shell.stderr, pattern));
  const signal = (name: NodeJS.Signals) => process.kill(Number(/^pid (\d+)$/m.exec(shell.stderr)?.[1]), name);

  async function assertGoesOnUntilSigterm(): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, 500));
    assert.doesNotMatch(shell.stderr, /^code/m);
    signal('SIGTERM');
    await said(/^code 0$/m);
  }

  it('without a reader does not end a director, which says so once', async () => {
    start(director(), '| head -1');
    await said(/^tunvs run: standard output cannot be written \(EPIPE\): its reader has gone; the command goes on/m);
    await assertGoesOnUntilSigterm();
    assert.equal(shell.stderr.match(/cannot be written/g)?.length, 1);
  });

  it('on a full disk does not end a director', async () => {
    start(director(), '>/dev/full');
    await said(/^tunvs run: standard output cannot be written \(ENOSPC\): the disk is full; the command goes on/m);
    await assertGoesOnUntilSigterm();
  });

  /** A child that the director had for a moment when it was listed has gone. */
  function endIfThere(pid: number): void {
    try {
      process.kill(pid, 'SIGTERM');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error;
    }
  }

  it('does not end a director that is asked for its status', async () => {
    start(director(), '2>/dev/full');
    await shell.line((line) => line.includes('ready'));
    signal('SIGUSR2');
    await shell.line((line) => line.startsWith('tunvs run: standard error cannot be written (ENOSPC)'));
    signal('SIGUSR2');
    await assertGoesOnUntilSigterm();
  });

  it('with a terminal that goes away does not end a director, which then ends as it should', async () => {
    const codes = join(folder, 'codes');
    const line = `trap "" HUP; ${TUNVS} ${director()}; echo $? >${codes}`;
    shell = host.spawn(['script', '-qfec', line, '/dev/null']);
    await shell.line((said) => said.includes('ready'));
    const pids = (await host.exec(['pgrep', '-f', `^${process.execPath}.* ${director()}`])).stdout.trim().split('\n');
    shell.kill('SIGKILL');
    await new Promise((resolve) => setTimeout(resolve, 1_000));
    assert.equal(existsSync(codes), false);
    for (const pid of pids) endIfThere(Number(pid));
    await eventuallyHolds(async () => assert.equal(readFileSync(codes, 'utf8'), '0\n'));
  });

  it('does not end a real server', async () => {
    start(realServer, '>/dev/full');
    await said(/^tunvs realserver: standard output cannot be written \(ENOSPC\)/m);
    await assertGoesOnUntilSigterm();
  });
});
