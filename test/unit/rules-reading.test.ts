import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { type RulesFileOptions, readRules } from '../../lib/cli/rules-file.js';

const MAIN = fileURLToPath(new URL('../../lib/cli/main.js', import.meta.url));
const IO = { stdin: Readable.from([]), stdout: new Writable(), stderr: new Writable() };
const RULE = '-A -t 192.0.2.1:80 -s rr\n';

describe('the file of rules', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-rules-'));
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    symlinkSync('circle', join(folder, 'circle'));
    writeFileSync(join(folder, 'file'), RULE);
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  const read = (name: string, options: Partial<RulesFileOptions> = {}) =>
    readRules({ file: join(folder, name), isTimed: false, verb: 'run', ...options }, IO);

  it('is read again when it is a regular file', async () => {
    assert.equal((await read('file', { isAgain: true })).length, 1);
  });

  it('may be a FIFO at the start', async () => {
    const reading = read('fifo');
    writeFileSync(join(folder, 'fifo'), RULE);
    assert.equal((await reading).length, 1);
  });

  it('is refused when it is a FIFO or a device that would be read again', async () => {
    await assert.rejects(read('fifo', { isAgain: true }), /fifo: it is a FIFO, and a reload needs a file: put a file/);
    await assert.rejects(read('', { isAgain: true }), /it is a folder, and a reload needs a file/);
    await assert.rejects(read('', { isAgain: true, file: '/dev/null' }), /it is a device, and a reload needs a file/);
  });

  for (const isAgain of [false, true]) {
    const when = isAgain ? 'read again' : 'read';
    it(`is refused with a sentence when it cannot be ${when}`, async () => {
      const reasons: [string, RegExp][] = [
        ['circle', /circle: its symbolic links lead in a circle: name a file of rules/],
        ['file/x', /x: there is no such folder: name a file/],
        ['none', /none: there is no such file: name a file/],
        ['x'.repeat(300), /: its name is too long: name a file/],
      ];
      for (const [name, message] of reasons) await assert.rejects(read(name, { isAgain }), { message });
    });
  }

  it('is refused when its name is empty', async () => {
    await assert.rejects(read('', { file: '' }), /^[^:]*: --rules: the name is empty: give a file, or - for/);
  });

  it('is refused when standard input is a folder', () => {
    const descriptor = openSync(folder, 'r');
    const argv = [
      MAIN,
      'explain',
      '--rules',
      '-',
      '--source',
      '10.2.0.2',
      '--client',
      '192.0.2.9:1',
      '--virtual',
      '192.0.2.1:80',
    ];
    const { stderr } = spawnSync(process.execPath, argv, { stdio: [descriptor, 'pipe', 'pipe'], encoding: 'utf8' });
    closeSync(descriptor);
    assert.match(stderr, /--rules -: standard input is a folder: give it a file of rules/);
  });
});
