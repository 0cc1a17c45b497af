/** The daemon's log: its lines, and what becomes of those that cannot be written. */
import { strict as assert } from 'node:assert';
import { spawn } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import type { Writable } from 'node:stream';
import type { LogFormat, LogLevel } from '../../lib/daemon/log.js';
import { descriptorSink, fileSink, streamSink } from '../../lib/daemon/log-sink.js';
import { lostLines } from '../../lib/daemon/lost-lines.js';
import { createLog } from '../../lib/daemon/pino-log.js';

function logged(given: { format?: LogFormat; level?: LogLevel; isForJournal?: boolean } = {}) {
  let text = '';
  const sink = { write: (line: string) => (text += line), reopen: () => {} };
  const log = createLog({ sink, format: 'human', level: 'info', ...given });
  return { log, said: () => text };
}

describe('a log', () => {
  it('for people has a line with time, level, sentence and what else is known', () => {
    const { log, said } = logged();
    log.warn('tableFull', { value: 3, device: 'tunvs0', why: 'no room', list: [1, 2] }, 'the table is full');
    assert.match(
      said(),
      /^\d{4}-\d\d-\d\dT[\d:.]{12}Z warn {2}the table is full event=tableFull value=3 device=tunvs0 why="no room" list=\[1,2\]\n$/,
    );
  });

  it('as JSON has an object a line', () => {
    const { log, said } = logged({ format: 'json' });
    log.error('deviceLost', { value: 1 }, 'a device is lost');
    const { time, ...rest } = JSON.parse(said());
    assert.deepEqual(rest, { level: 'error', event: 'deviceLost', value: 1, message: 'a device is lost' });
    assert.ok(!Number.isNaN(Date.parse(time)));
  });

  it('for the journal begins with the priority and leaves the time to it', () => {
    for (const [level, priority] of [
      ['debug', 7],
      ['info', 6],
      ['warn', 4],
      ['error', 3],
    ] as const) {
      const { log, said } = logged({ isForJournal: true, level: 'debug' });
      log[level]('ready');
      assert.equal(said(), `<${priority}>ready\n`);
    }
    const { log, said } = logged({ isForJournal: true, format: 'json' });
    log.warn('a', {}, 'b');
    assert.equal(said(), '<4>{"level":"warn","event":"a","message":"b"}\n');
  });

  it('leaves out what is below its level', () => {
    const { log, said } = logged({ level: 'warn' });
    log.debug('a');
    log.info('b');
    log.warn('c');
    assert.match(said(), /^\S+ warn {2}c\n$/);
  });

  it('keeps one line a line, whatever the names in it hold', () => {
    const { log, said } = logged();
    log.info('x', { name: 'a\nb', '\u001b[2J': '\u001b[2J' }, 'one\ntwo\u001b[2J\u2028');
    assert.equal(said().split('\n').length, 2);
    assert.doesNotMatch(said().trimEnd(), /\p{Cc}|\u2028/u);
  });
});

describe('a sink', () => {
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-log-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  it('to a full disk throws nothing', () => {
    const descriptor = openSync('/dev/full', 'a');
    const sink = descriptorSink(descriptor);
    for (let i = 0; i < 3; i++) sink.write('line\n');
    closeSync(descriptor);
    fileSink('/dev/full').write('line\n');
  });

  it('to a disk that has room again says how many lines are missing and why', () => {
    const path = join(folder, 'room');
    const full = openSync('/dev/full', 'a');
    // The descriptor leads to a full disk first and to a file afterwards.
    const sink = descriptorSink(full);
    sink.write('one\n');
    sink.write('two\n');
    closeSync(full);
    const again = openSync(path, 'a');
    assert.equal(again, full);
    sink.write('three\n');
    sink.write('four\n');
    closeSync(again);
    assert.equal(
      readFileSync(path, 'utf8'),
      '2 lines of the log could not be written: the disk was full\nthree\nfour\n',
    );
  });

  it('to a reader that stands still waits for nobody, keeps a bounded amount, and says what is missing', () => {
    const said: string[] = [];
    const stuck = { writableLength: 1 << 20, write: (line: string) => said.push(line) };
    const sink = streamSink(stuck as unknown as Writable);
    for (let i = 0; i < 3; i++) sink.write('lost\n');
    assert.deepEqual(said, []);
    stuck.writableLength = 0;
    sink.write('at last\n');
    assert.deepEqual(said, ['3 lines of the log could not be written: its reader was too slow\n', 'at last\n']);
  });

  it('to a pipe whose reader stands still or goes neither stops nor ends the process', async () => {
    const program = `
      const { streamSink } = await import(${JSON.stringify(new URL('../../lib/daemon/log-sink.js', import.meta.url).href)});
      process.stderr.on('error', () => {});
      const sink = streamSink(process.stderr);
      for (let i = 0; i < 4096; i++) sink.write('x'.repeat(1023) + '\\n');
      await new Promise((resolve) => setTimeout(resolve, 10));
      console.log('alive', process.stderr.writableLength <= 1 << 20);
      process.exit();`;
    const run = async (hasReader: boolean) => {
      // Nobody reads standard error: the stream takes what fits into its buffer, and stands still.
      const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
      if (!hasReader) child.stderr.destroy();
      const said = await text(child.stdout);
      child.stderr.destroy();
      return said;
    };
    assert.equal(await run(true), 'alive true\n');
    assert.equal(await run(false), 'alive true\n');
  });

  it('to a file that was moved away goes on in a new one when it is opened anew', () => {
    const path = join(folder, 'log');
    const sink = fileSink(path);
    sink.write('one\n');
    renameSync(path, `${path}.1`);
    sink.write('two\n');
    sink.reopen();
    sink.write('three\n');
    assert.equal(readFileSync(`${path}.1`, 'utf8'), 'one\ntwo\n');
    assert.equal(readFileSync(path, 'utf8'), 'three\n');
  });

  it('to a file that was emptied in its place goes on at its beginning', () => {
    const path = join(folder, 'emptied');
    const sink = fileSink(path);
    sink.write('one\n');
    closeSync(openSync(path, constants.O_WRONLY | constants.O_TRUNC));
    sink.write('two\n');
    assert.equal(readFileSync(path, 'utf8'), 'two\n');
  });

  it('says in its own format what was lost', () => {
    const now = () => new Date(0);
    assert.equal(
      lostLines('human')(1, 'the disk was full'),
      '1 line of the log could not be written: the disk was full\n',
    );
    assert.equal(
      lostLines('json', { now })(2, 'the disk was full'),
      '{"level":"warn","time":"1970-01-01T00:00:00.000Z","event":"linesLost","lines":2,' +
        '"message":"2 lines of the log could not be written: the disk was full"}\n',
    );
    assert.match(lostLines('human', { isForJournal: true })(1, 'x'), /^<4>1 line /);
  });
});
