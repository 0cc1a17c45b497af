import { strict as assert } from 'node:assert';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { stateFolder } from '../../lib/director/state-folder.js';

describe('the folder of a state', () => {
  let folder: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-state-folder-'));
  });

  afterEach(() => rmSync(folder, { recursive: true }));

  const modeOf = (path: string) => statSync(path).mode & 0o7777;

  it('is made so that nobody else can look into it', () => {
    assert.equal(modeOf(stateFolder(join(folder, 'new'))), 0o700);
  });

  it('stays as it is where it is there', () => {
    const there = join(folder, 'there');
    mkdirSync(there);
    chmodSync(there, 0o755);
    assert.equal(modeOf(stateFolder(there)), 0o755);
  });

  it('is refused where others may write to it, or it is a link, or nothing can be made', () => {
    const open = join(folder, 'open');
    mkdirSync(open);
    chmodSync(open, 0o777);
    assert.throws(() => stateFolder(open), /writable for others/);
    symlinkSync(folder, join(folder, 'link'));
    assert.throws(() => stateFolder(join(folder, 'link')), /is not a folder/);
    assert.throws(() => stateFolder(join(folder, 'no', 'parent')), { code: 'ERR_TUNVS_PERMISSION' });
  });

  it('is refused where its path leaves no room for a socket, and is not made', () => {
    const long = join(folder, 'x'.repeat(100));
    assert.throws(() => stateFolder(long), /name a shorter one/);
    assert.ok(!existsSync(long));
  });
});
