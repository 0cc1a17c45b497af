import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { rmSync, writeFileSync } from 'node:fs';
import fc from 'fast-check';
import { type FileCheckOptions, fileCheck, parseNumber } from '../../lib/health/checks/file.js';
import { contextOf, found } from '../support/check-context.js';
import { fuzzRuns } from '../support/fuzz-runs.js';
import { Scripts } from '../support/scripts.js';

describe('the check file', () => {
  let scripts: Scripts;
  let path: string;

  before(() => {
    scripts = new Scripts();
    path = scripts.path('number');
  });

  beforeEach(() => {
    rmSync(path, { force: true });
  });

  after(() => {
    scripts[Symbol.dispose]();
  });

  const check = (options: Partial<FileCheckOptions> = {}, signal?: AbortSignal) =>
    found(fileCheck({ path, ...options }), contextOf('192.0.2.7', 1, signal));

  const rows: [text: string, options: Partial<FileCheckOptions>, adds: number | undefined | 'fails'][] = [
    ['0', {}, undefined],
    ['0\n', {}, undefined],
    ['1', {}, 'fails'],
    ['-7', {}, 'fails'],
    ['0', { reverse: true }, 'fails'],
    ['3', { reverse: true }, undefined],
    [' 3 \n', { weight: 2 }, 6],
    ['3', { weight: 2, reverse: true }, -6],
    ['-3', { weight: 2 }, -6],
    ['0', { weight: -2 }, 0],
    ['2147483647', { weight: 2147483647 }, 65_535],
    ['-2147483648', { weight: 2147483647 }, -65_535],
    ['', { missing: 'zero' }, undefined],
  ];
  for (const [text, options, adds] of rows)
    it(`with '${text.trim()}' and ${JSON.stringify(options)} ${adds === 'fails' ? 'fails' : `adds ${adds}`}`, async () => {
      writeFileSync(path, text);
      const finding = await check(options);
      assert.equal(finding.passed, adds !== 'fails');
      assert.deepEqual(finding.advice, typeof adds === 'number' ? { add: adds } : undefined);
      if (adds === 'fails')
        assert.deepEqual([finding.reason, finding.message], ['wrong answer', `the number is ${+text}`]);
    });

  it('reads the file anew each time', async () => {
    const tracked = fileCheck({ path });
    const seen: boolean[] = [];
    for (const text of ['0', '1', '0']) {
      writeFileSync(path, text);
      seen.push((await found(tracked, contextOf('192.0.2.7', 1))).passed);
    }
    assert.deepEqual(seen, [true, false, true]);
  });

  it('takes a missing or empty file as it is told', async () => {
    for (const text of [undefined, '', ' \n']) {
      if (text !== undefined) writeFileSync(path, text);
      assert.deepEqual(await check(), { passed: false, reason: 'failed', message: `${path} is missing or empty` });
      assert.equal((await check({ missing: 'zero' })).passed, true);
      assert.equal((await check({ missing: 'zero', reverse: true })).passed, false);
    }
  });

  const wrong: [text: string, message: RegExp][] = [
    ['up', /holds no whole number of 32 bits: up$/],
    ['1.5', /holds no whole number/],
    ['1 2', /holds no whole number/],
    ['2147483648', /holds no whole number/],
    ['9\u001b[2J', /9\\u001b\[2J$/],
    ['1'.repeat(65), /has more than 64 bytes$/],
  ];
  for (const [text, message] of wrong)
    it(`fails when the file holds ${JSON.stringify(text.slice(0, 20))}`, async () => {
      writeFileSync(path, text);
      const finding = await check({ missing: 'zero' });
      assert.equal(finding.reason, 'wrong answer');
      assert.match(finding.message, message);
    });

  it('does not wait for a pipe, and takes no folder or device for a file', async () => {
    execFileSync('mkfifo', [path]);
    for (const other of [path, scripts.folder, '/dev/zero']) {
      const finding = await check({ path: other });
      assert.deepEqual([finding.isOwnFault, finding.message], [true, `${other} is no file`]);
    }
    const unread = await check({ path: `${scripts.write('plain', '')}/x` });
    assert.equal(unread.isOwnFault, true);
    assert.match(unread.message, /can't be read: ENOTDIR/);
    // What a file of the kernel opens, it need not read.
    assert.match((await check({ path: '/proc/self/mem' })).message, /^\/proc\/self\/mem can't be read: EIO/);
  });

  it('ends with the reason of its signal', async () => {
    await assert.rejects(check({}, AbortSignal.abort(new Error('over'))), /^Error: over$/);
  });

  it('refuses options that are none', () => {
    for (const [options, option] of [
      [{ path: undefined }, 'path'],
      [{ weight: 0.5 }, 'weight'],
      [{ missing: 'ok' }, 'missing'],
    ] as const)
      assert.throws(() => fileCheck({ path, ...(options as object) }), { option });
  });

  it('reads the numbers of 32 bits and no other text', () => {
    const number = fc.integer();
    fc.assert(
      fc.property(number, fc.string(), (value, text) => {
        assert.equal(parseNumber(` ${value}\n`), value);
        assert.equal(parseNumber(`${value}x${text}`), undefined);
        const read = parseNumber(text);
        if (read !== undefined) assert.equal(read, Number(text));
      }),
      { numRuns: fuzzRuns(300) },
    );
  });
});
