/** A configuration is read again when its files change, in whatever way that is done. */
import { strict as assert } from 'node:assert';
import { appendFileSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { onFileChange } from '../../lib/cli/run/file-change.js';
import { eventuallyHolds } from '../support/eventually.js';

const LOOK_MS = 10;
const SEVERAL_LOOKS_MS = 10 * LOOK_MS;

describe('a configuration whose files are watched', () => {
  let folder: string;
  let file: string;
  let files: string[];
  let reads: number;
  let outcome: () => Promise<void>;
  let detach: () => void;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-change-'));
    file = join(folder, 'tunvs.yaml');
    writeFileSync(file, 'one');
    files = [file];
    reads = 0;
    outcome = async () => {};
  });

  afterEach(() => {
    detach();
    rmSync(folder, { recursive: true });
  });

  async function watch(): Promise<void> {
    const reload = async () => {
      reads++;
      await outcome();
      return { changes: [] };
    };
    const attach = onFileChange({ files: () => files }, reload as never, LOOK_MS);
    const attached = attach({} as never);
    await attached.listen?.();
    detach = () => void attached.detach?.();
  }

  async function isReadOnce(change: () => void): Promise<void> {
    const before = reads;
    change();
    await eventuallyHolds(async () => assert.equal(reads, before + 1));
    await delay(SEVERAL_LOOKS_MS);
    assert.equal(reads, before + 1);
  }

  it('is left alone while they stay', async () => {
    await watch();
    await delay(SEVERAL_LOOKS_MS);
    assert.equal(reads, 0);
  });

  it('is read once when one is written, replaced, removed or made again', async () => {
    await watch();
    await isReadOnce(() => appendFileSync(file, 'two'));
    await isReadOnce(() => {
      writeFileSync(`${file}.new`, 'onetwo');
      renameSync(`${file}.new`, file);
    });
    await isReadOnce(() => rmSync(file));
    await isReadOnce(() => writeFileSync(file, 'one'));
  });

  it('is read once when a symbolic link leads elsewhere', async () => {
    for (const name of ['a', 'b']) writeFileSync(join(folder, name), 'same');
    const link = join(folder, 'link');
    symlinkSync('a', link);
    files = [link];
    await watch();
    await isReadOnce(() => {
      symlinkSync('b', `${link}.new`);
      renameSync(`${link}.new`, link);
    });
  });

  it('is read again after one that was refused', async () => {
    await watch();
    outcome = () => Promise.reject(new Error('a mistake'));
    await isReadOnce(() => appendFileSync(file, 'bad'));
    outcome = async () => {};
    await isReadOnce(() => appendFileSync(file, 'good'));
  });

  it('is read once when an include finds a file more, which is watched from then on', async () => {
    const included = join(folder, 'a.yaml');
    writeFileSync(included, 'a');
    files = [file, folder, included];
    await watch();
    const more = join(folder, 'b.yaml');
    outcome = async () => {
      files = [file, folder, included, more];
    };
    await isReadOnce(() => writeFileSync(more, 'b'));
    await isReadOnce(() => appendFileSync(more, 'c'));
  });

  it('is read no more once nobody watches', async () => {
    await watch();
    detach();
    appendFileSync(file, 'two');
    await delay(SEVERAL_LOOKS_MS);
    assert.equal(reads, 0);
  });
});
