/** The demo on a pseudo-terminal, as a person sees and ends it. */
import { strict as assert } from 'node:assert';
import { randomUUID } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { eventuallyHolds } from '../support/eventually.js';
import { describeLab, LabProcess } from '../support/lab.js';
import { processes } from '../support/processes.js';

const MAIN = new URL('../../lib/cli/main.js', import.meta.url).pathname;
const QUICK = '--requests 30 --pace 0.6';
/** All that is started here has it in its environment: other labs may run beside these. */
const MARKED = { TUNVS_TEST_MARK: randomUUID() };

/**
 * Runs it in a terminal of 80x24; what is written to it is typed. The terminal's settings are printed before and after.
 */
function onTerminal(options: string): LabProcess {
  const demo = `${process.execPath} ${MAIN} demo ${options}`;
  const command = `trap : INT; stty cols 80 rows 24; stty -g; ${demo}; code=$?; stty -g; exit $code`;
  return new LabProcess(['script', '-qfec', command, '/dev/null'], { ...MARKED, TERM: 'xterm', LC_ALL: 'C.UTF-8' });
}

const textOf = ({ lines }: LabProcess) => lines.join('\n');

/** Types the text without a line break after it. */
function type(terminal: LabProcess, keys: string): void {
  terminal.write(keys);
}

function namespaces(): string[] {
  return existsSync('/run/netns') ? readdirSync('/run/netns').filter((name) => name.startsWith('tunvs-')) : [];
}

const folders = (pid: number) => readdirSync(tmpdir()).filter((name) => name.startsWith(`tunvs-lab-${pid}-`));

/** Finds the processes that were started here and still run. */
const marked = () =>
  processes().filter(({ environment }) => environment.includes(`TUNVS_TEST_MARK=${MARKED.TUNVS_TEST_MARK}`));

const labPrograms = () => marked().map(({ words }) => words.join(' '));

function demoProcess(): { pid: number } {
  const found = marked().find(({ words }) => words[1] === MAIN && words[2] === 'demo');
  assert.ok(found);
  return found;
}

function assertNothingLeft(terminal: LabProcess): void {
  assert.deepEqual(namespaces(), []);
  assert.deepEqual(labPrograms(), []);
  assert.doesNotMatch(textOf(terminal), /^\s+at |Error/m);
  const settings = terminal.lines.flatMap((line) => /[\da-f]+(?::[\da-f]+){20,}/.exec(line) ?? []);
  assert.equal(settings.length, 2, textOf(terminal).slice(-2000));
  assert.equal(settings[0], settings[1]);
}

describeLab('tunvs demo on a terminal', function () {
  this.timeout(60_000);

  it('shows every scene, then goes on until q', async () => {
    const terminal = onTerminal(QUICK);
    for (const scene of [1, 2, 3, 4, 5]) await terminal.line((line) => line.includes(`Scene ${scene} of 5: `), 20_000);
    await terminal.line((line) => line.includes('All scenes have been played'), 20_000);
    type(terminal, 'q');
    assert.equal((await terminal.exited).code, 0, textOf(terminal).slice(-2000));
    assert.match(textOf(terminal), /Every request was answered as it should be/);
    assertNothingLeft(terminal);
  });

  it('stops, starts and drains a server by keys, and keeps the last one', async () => {
    const terminal = onTerminal('--servers 2 --requests 30 --pace 0.6');
    await terminal.line((line) => line.includes('Scene 1 of 5: '), 20_000);
    type(terminal, '2s');
    await terminal.line((line) => line.includes('rs2 is at weight 0 and stopped'), 20_000);
    await terminal.line((line) => /rs2 .*stopped/.test(line));
    type(terminal, '1d');
    await terminal.line((line) => line.includes('rs1 stays'), 20_000);
    type(terminal, '2s');
    await terminal.line((line) => line.includes('rs2 is started'), 20_000);
    type(terminal, '1d');
    await terminal.line((line) => line.includes('rs1 is drained'), 20_000);
    type(terminal, 'q');
    assert.equal((await terminal.exited).code, 0, textOf(terminal).slice(-2000));
    assertNothingLeft(terminal);
  });

  for (const [when, shown] of [
    ['while it is set up', 'Building a lab'],
    ['in a scene', 'Scene 1 of 5'],
  ] as const) {
    it(`ends by Ctrl-C ${when} and leaves nothing`, async () => {
      const terminal = onTerminal(QUICK);
      await terminal.line((line) => line.includes(shown), 20_000);
      type(terminal, '\x03');
      assert.equal((await terminal.exited).code, 0, textOf(terminal).slice(-2000));
      assert.match(textOf(terminal), /Ended before the first scene was over/);
      assertNothingLeft(terminal);
    });

    it(`is 130 with --once after Ctrl-C ${when}`, async () => {
      const terminal = onTerminal(`--once ${QUICK}`);
      await terminal.line((line) => line.includes(shown), 20_000);
      type(terminal, '\x03');
      assert.equal((await terminal.exited).code, 130, textOf(terminal).slice(-2000));
      assertNothingLeft(terminal);
    });
  }

  for (const signal of ['SIGHUP', 'SIGQUIT'] as const) {
    it(`ends by ${signal}, which SIGUSR1 and SIGUSR2 do not, and leaves nothing`, async () => {
      const terminal = onTerminal(QUICK);
      await terminal.line((line) => line.includes('Scene 1 of 5'), 20_000);
      const { pid } = demoProcess();
      process.kill(pid, 'SIGUSR1');
      process.kill(pid, 'SIGUSR2');
      await terminal.line((line) => line.includes('Scene 2 of 5'), 20_000);
      process.kill(pid, signal);
      assert.equal((await terminal.exited).code, 0, textOf(terminal).slice(-2000));
      assert.doesNotMatch(textOf(terminal), /Debugger listening/);
      assertNothingLeft(terminal);
    });
  }

  it('ends at once by a second signal and leaves nothing', async () => {
    const terminal = onTerminal(QUICK);
    await terminal.line((line) => line.includes('Scene 1 of 5'), 20_000);
    const { pid } = demoProcess();
    assert.ok(folders(pid).length > 0);
    process.kill(pid, 'SIGINT');
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.kill(pid, 'SIGTERM');
    assert.equal((await terminal.exited).code, 143, textOf(terminal).slice(-2000));
    assert.deepEqual(folders(pid), []);
    assertNothingLeft(terminal);
  });

  for (const options of [QUICK, `--once ${QUICK}`, '--once --requests 30']) {
    it(`ends with its terminal and leaves nothing: ${options}`, async () => {
      const code = join(mkdtempSync(join(tmpdir(), 'tunvs-demo-code-')), 'code');
      const command = `trap "" HUP; ${process.execPath} ${MAIN} demo ${options}; echo $? >${code}`;
      const terminal = new LabProcess(['script', '-qfec', command, '/dev/null'], { ...MARKED, TERM: 'xterm' });
      try {
        await terminal.line((line) => line.includes(options.includes('pace') ? 'Scene 1 of 5' : 'join in'), 20_000);
        await terminal.stop('SIGKILL');
        await eventuallyHolds(async () => assert.match(readFileSync(code, 'utf8'), /^(0|1|129)\n$/));
        assert.deepEqual([namespaces(), labPrograms()], [[], []]);
      } finally {
        rmSync(dirname(code), { recursive: true });
      }
    });
  }

  it('ends when the reader of its lines has gone, and fails', async () => {
    const line = `{ ${process.execPath} ${MAIN} demo --requests 30; echo "code $?" >&2; } | head -1`;
    const piped = new LabProcess(['sh', '-c', line], MARKED);
    await piped.exited;
    assert.match(
      piped.stderr,
      /^tunvs demo: standard output cannot be written \(EPIPE\): its reader has gone\ncode 1$/m,
    );
    assert.deepEqual([namespaces(), labPrograms()], [[], []]);
  });

  it('is refused by root without CAP_NET_RAW, in a sentence', async () => {
    const before = ['setpriv', '--inh-caps=-net_raw', '--bounding-set=-net_raw'];
    const refused = new LabProcess([...before, process.execPath, MAIN, 'demo'], MARKED);
    assert.equal((await refused.exited).code, 1);
    assert.match(refused.stderr, /^tunvs demo: this needs CAP_NET_RAW: [^\n]*--cap-add NET_RAW\n$/);
  });

  it('names a temporary folder that is not there', async () => {
    const refused = new LabProcess([process.execPath, MAIN, 'demo'], { ...MARKED, TMPDIR: '/nonexistent' });
    assert.equal((await refused.exited).code, 1);
    assert.equal(
      refused.stderr,
      'tunvs demo: the temporary folder /nonexistent cannot be written: set TMPDIR to a folder that can\n',
    );
  });

  it('leaves nothing after SIGKILL that the next one does not clear', async () => {
    const killed = new LabProcess([process.execPath, MAIN, 'demo', '--json', '--requests', '30'], MARKED);
    await killed.line((line) => line.includes('"event":"scene"'), 30_000);
    assert.ok(namespaces().length > 0 && folders(killed.pid).length > 0 && labPrograms().length > 0);
    await killed.stop('SIGKILL');
    await eventuallyHolds(async () => assert.deepEqual(labPrograms(), []));
    const next = new LabProcess([process.execPath, MAIN, 'demo', '--requests', '30'], MARKED);
    assert.equal((await next.exited).code, 0, textOf(next));
    await eventuallyHolds(async () =>
      assert.deepEqual([namespaces(), labPrograms(), folders(killed.pid)], [[], [], []]),
    );
  });

  it('ends by itself into a pipe, without a control sequence', async () => {
    const piped = new LabProcess([process.execPath, MAIN, 'demo', '--requests', '30'], { TERM: 'xterm' });
    assert.equal((await piped.exited).code, 0, textOf(piped));
    assert.equal(piped.lines.filter((line) => line.startsWith('ok ')).length, 5);
    assert.ok(!textOf(piped).includes('\x1b'));
  });
});
