/** The last good configuration of a fleet on disk. */
import { strict as assert } from 'node:assert';
import { chmodSync, mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { type Cached, loadCache, saveCache } from '../../lib/fleet/cache.js';

const SNAPSHOT = { revision: 7, changedAt: 5, clusterId: '12', drains: new Map<string, string>() };
const CACHED: Cached = {
  snapshot: { ...SNAPSHOT, entries: new Map([['/s/services/web', 'listen: ü']]) },
  savedAtMs: 1e12,
};

describe("a fleet's configuration on disk", () => {
  let folder: string;
  let file: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-cache-'));
    file = join(folder, 'web.etcd.json');
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  const whyNot = (prefix = '/s') => {
    const found = loadCache(file, prefix);
    return 'why' in found ? found.why : undefined;
  };

  it('is what was saved, for its user alone, with nothing beside it', () => {
    saveCache(file, '/s', { ...CACHED, savedAtMs: 1 });
    saveCache(file, '/s', CACHED);
    assert.deepEqual(loadCache(file, '/s'), CACHED);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.deepEqual(readdirSync(folder), ['web.etcd.json']);
  });

  it('has the wish that the director is drained, and none that is broken', () => {
    const drain = { member: 'lb1', wish: '{}', before: 'active' } as const;
    saveCache(file, '/s', { ...CACHED, drain });
    const found = loadCache(file, '/s');
    assert.ok('snapshot' in found);
    assert.deepEqual([found.drain, [...found.snapshot.drains]], [drain, [['lb1', '{}']]]);
    for (const broken of [7, null, [], 'lb1', { member: 'lb1' }, { member: 7, wish: '{}' }]) {
      saveCache(file, '/s', { ...CACHED, drain: broken as unknown as typeof drain });
      assert.deepEqual(loadCache(file, '/s'), CACHED);
    }
    saveCache(file, '/s', { ...CACHED, drain: { ...drain, before: 'master' as 'active' } });
    assert.deepEqual((loadCache(file, '/s') as Cached).drain, { member: 'lb1', wish: '{}' });
  });

  it('is whatever keys and values there were', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.string()), (entries) => {
        const snapshot = { ...SNAPSHOT, entries: new Map(Object.entries(entries)) };
        saveCache(file, '/s', { ...CACHED, snapshot });
        assert.deepEqual(loadCache(file, '/s'), { ...CACHED, snapshot });
      }),
    );
  });

  it('is not taken when it is missing, of another prefix, broken, or cut off', () => {
    assert.match(whyNot() ?? '', /there is no .* yet/);
    saveCache(file, '/s', CACHED);
    assert.match(whyNot('/other') ?? '', /of another prefix, \/s/);
    for (const text of ['', '{', '[]', 'null', '7', '{"tunvsFleetCache":2}', '{"tunvsFleetCache":1,"prefix":"/s"}']) {
      writeFileSync(file, text);
      assert.match(whyNot() ?? '', /holds no configuration of a fleet/, text);
    }
  });

  it('is not taken when others may have written it', () => {
    saveCache(file, '/s', CACHED);
    chmodSync(file, 0o620);
    assert.match(whyNot() ?? '', /can be written by others/);
    chmodSync(file, 0o600);
    const link = join(folder, 'link');
    symlinkSync(file, link);
    assert.ok('why' in loadCache(link, '/s'));
    assert.ok('why' in loadCache(folder, '/s'));
  });

  it('follows no link that lies where it is written', () => {
    const other = join(folder, 'other');
    writeFileSync(other, 'kept');
    symlinkSync(other, `${file}.${process.pid}.new`);
    saveCache(file, '/s', CACHED);
    assert.equal(statSync(other).size, 4);
    assert.deepEqual(loadCache(file, '/s'), CACHED);
  });
});
