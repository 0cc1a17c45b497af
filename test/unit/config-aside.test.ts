/** A configuration that is read on a thread of its own is what it is when it is read at once. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseConfigAside } from '../../lib/config/parse-aside.js';
import { parseConfig } from '../../lib/config/parse-config.js';
import { readOperand } from '../../lib/cli/config-file.js';

describe('a configuration on a thread of its own', function () {
  this.timeout(60_000);
  let folder: string;
  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-aside-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const servers = (count: number) =>
    Array.from({ length: count }, (_, at) => `      - { address: 10.3.${at >> 8}.${at & 255}, weight: ${at % 7} }\n`);
  const text = (services: number, each: number) =>
    `source: 10.2.0.2\nservices:\n${Array.from(
      { length: services },
      (_, at) => `  - listen: tcp 10.100.${at >> 8}.${at & 255}:80\n    servers:\n${servers(each).join('')}`,
    ).join('')}`;
  const plain = (value: unknown) => JSON.parse(JSON.stringify(value)) as unknown;

  async function assertSame(whole: string, name: string) {
    const path = join(folder, name);
    writeFileSync(path, whole);
    const aside = await parseConfigAside(Buffer.from(whole), { path });
    const here = parseConfig(whole, { path });
    assert.deepEqual(plain(aside), plain(here));
    if (!('mistakes' in here)) assert.deepEqual([...('origins' in aside ? aside.origins : [])], [...here.origins]);
    return aside;
  }

  it('has the same spec, origins, warnings and files, in parts and whole', async () => {
    const large = await assertSame(text(30, 200), 'large.yaml');
    assert.ok('spec' in large && large.spec.services?.length === 30);
    await assertSame(text(1, 3), 'small.yaml');
    await assertSame(`include: gone/*.yaml\n${text(30, 20)}`, 'warned.yaml');
  });

  it('has the same mistakes', async () => {
    const found = await assertSame(text(30, 20).replace('weight: 3', 'weight: -3'), 'wrong.yaml');
    assert.ok('mistakes' in found && found.mistakes.length === 1);
  });

  it('lets the event loop go on', async () => {
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const path = join(folder, 'many.yaml');
    await parseConfigAside(Buffer.from(text(300, 10)), { path });
    clearInterval(counting);
    // At once it would be one turn.
    assert.ok(turns > 20, `${turns} turns`);
  });

  it('counts included files: a short file may include long ones', async () => {
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const path = join(folder, 'short.yaml');
    await parseConfigAside(Buffer.from(text(1, 1)), { path, includedBytes: Infinity });
    clearInterval(counting);
    assert.ok(turns > 5, `${turns} turns`);
  });

  const again = (path: string) => readOperand(path, { ...process, stdin: process.stdin }, { isAgain: true });

  it('is not read again from a pipe, a folder, or a file that is too large', async () => {
    const pipe = join(folder, 'pipe.yaml');
    execFileSync('mkfifo', [pipe]);
    await assert.rejects(again(pipe), /pipe\.yaml: it is a FIFO, and a reload needs a file/);
    await assert.rejects(again(folder), /it is a folder/);
    const huge = join(folder, 'huge.yaml');
    writeFileSync(huge, '');
    truncateSync(huge, 65 * 2 ** 20);
    await assert.rejects(again(huge), /huge\.yaml: it is larger than 64 MiB/);
    const including = parseConfig('source: 10.2.0.2\ninclude: huge.yaml\n', { path: join(folder, 'including.yaml') });
    assert.match('mistakes' in including ? (including.mistakes[0]?.message ?? '') : '', /larger than 64 MiB/);
  });
});
