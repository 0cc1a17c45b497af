/** npm run bench -- compare: pairs of runs, what their ratios mean, and the trees of other revisions. */
import { strict as assert } from 'node:assert';
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { formatRatios, namesIn, pairsOf } from '../../bench/compare.js';
import { medianInterval, ratiosOf } from '../../bench/paired.js';

type Build = (tree: string, title: string) => Promise<void>;

interface RevisionTrees {
  commitOf(revision: string, repository: string): string;
  revisionTree(revision: string, options: { repository: string; build: Build }): Promise<string>;
}

const MODULE = new URL('../../../scripts/lib/revision-tree.js', import.meta.url);
const pairs = (...ratios: number[]) => ratios.map((ratio) => ({ before: { ns: 10 }, after: { ns: 10 * ratio } }));

describe('pairs of runs', () => {
  it('bound the median by the sign test', () => {
    assert.equal(medianInterval([1, 2, 3, 4, 5]), undefined, 'of five, all are on one side once in sixteen times');
    assert.deepEqual(medianInterval([6, 5, 4, 3, 2, 1]), { low: 1, high: 6 });
    assert.deepEqual(medianInterval([1, 2, 3, 4, 5, 6, 7, 8]), { low: 1, high: 8 });
    assert.deepEqual(medianInterval([1, 2, 3, 4, 5, 6, 7, 8, 9]), { low: 2, high: 8 });
    const twenty = Array.from({ length: 20 }, (_, index) => index + 1);
    assert.deepEqual(medianInterval(twenty), { low: 6, high: 15 }, 'as in tables of the binomial distribution');
  });

  it('tell a difference from noise', () => {
    const verdict = (...ratios: number[]) => ratiosOf(pairs(...ratios))[0]?.verdict;
    assert.equal(verdict(0.9, 0.91, 0.92, 0.9, 0.93, 0.94, 0.9), 'different');
    assert.equal(verdict(1.1, 1.2, 1.3, 1.1, 1.1, 1.1), 'different');
    assert.equal(verdict(0.9, 0.9, 0.9, 1.1, 0.9, 0.9, 0.9), 'noise');
    assert.equal(verdict(0.5, 0.5, 0.5), 'too few pairs');
  });

  it('give the median of ratios, and leave out what has none', () => {
    const both = [
      { before: { ns: 10, drops: 0, old: 1 }, after: { ns: 5, drops: 0, fresh: 1 } },
      { before: { ns: 20, drops: 1, old: 1 }, after: { ns: 20, drops: 1, fresh: 1 } },
      { before: { ns: 30, drops: 1, old: 1 }, after: { ns: 60, drops: 1, fresh: 1 } },
    ];
    assert.deepEqual(ratiosOf(both), [
      { figure: 'ns', before: 20, after: 20, ratio: 1, low: 0.5, high: 2, verdict: 'too few pairs' },
    ]);
  });

  it('run in turn, each in its tree, and the order changes', async () => {
    const ran: string[] = [];
    const run = async (tree: string, request: { name: string; runs: number; isQuick: boolean }) => {
      ran.push(tree);
      assert.deepEqual(request, { name: 'x', runs: 1, isQuick: true });
      return { ns: tree === 'a' ? 1 : 2 };
    };
    const request = { name: 'x', runs: 3, isQuick: true };
    const found = await pairsOf({ before: 'a', after: 'b' }, request, { run });
    assert.deepEqual(ran, ['a', 'b', 'b', 'a', 'a', 'b']);
    assert.deepEqual(found, Array(3).fill({ before: { ns: 1 }, after: { ns: 2 } }));
  });

  it('are shown with the verdict', () => {
    const text = formatRatios('x', 7, ratiosOf(pairs(0.9, 0.9, 0.9, 1.1, 0.9, 0.9, 0.9)));
    assert.match(text, /^x, 7 pairs.*\n {2}ns +10\.0 +9\.000 +0\.900 \(0\.900 to 1\.100\) {2}within noise$/);
    assert.deepEqual([...namesIn('a b\nc d (with the word d)\n')], ['a b', 'c d', '']);
  });
});

describe('trees of other revisions', () => {
  let trees: RevisionTrees;
  let repository: string;
  const git = (...args: string[]) => {
    const identity = ['-c', 'user.name=A', '-c', 'user.email=a@example.org', '-c', 'commit.gpgsign=false'];
    return execFileSync('git', [...identity, ...args], { cwd: repository, encoding: 'utf8' }).trim();
  };
  const commit = (text: string) => {
    writeFileSync(join(repository, 'file'), text);
    git('add', 'file');
    git('commit', '-q', '-m', text);
    return git('rev-parse', 'HEAD');
  };
  const kept = () => readdirSync(join(repository, 'build', 'compare')).sort();
  const quietly: Build = async () => {};

  before(async function () {
    if (spawnSync('git', ['--version']).error) this.skip();
    trees = (await import(MODULE.href)) as RevisionTrees;
  });
  beforeEach(() => {
    repository = mkdtempSync(join(tmpdir(), 'tunvs-compare-'));
    git('init', '-q');
  });
  afterEach(() => rmSync(repository, { recursive: true, force: true }));

  it('are built once', async () => {
    const first = commit('one');
    const built: string[] = [];
    const build: Build = async (tree, title) => {
      built.push(title);
      assert.ok(existsSync(join(tree, 'file')));
    };
    const tree = await trees.revisionTree('HEAD', { repository, build });
    assert.equal(await trees.revisionTree(first, { repository, build }), tree);
    assert.deepEqual(built, [`building HEAD (${first.slice(0, 12)})`]);
    assert.deepEqual(kept(), [first.slice(0, 12)]);
  });

  it('are removed when they cannot be built, and made anew after an interruption', async () => {
    const first = commit('one');
    const failing: Build = () => Promise.reject(new Error('no compiler'));
    await assert.rejects(trees.revisionTree('HEAD', { repository, build: failing }), /no compiler/);
    assert.deepEqual(kept(), []);
    assert.equal(git('worktree', 'list').split('\n').length, 1);
    // What an interruption leaves: a tree without the mark.
    const half = join(repository, 'build', 'compare', first.slice(0, 12));
    git('worktree', 'add', '-q', '--detach', half, first);
    mkdirSync(join(half, 'build'));
    writeFileSync(join(half, 'build', 'half'), '');
    await trees.revisionTree('HEAD', { repository, build: quietly });
    assert.equal(existsSync(join(half, 'build', 'half')), false);
    assert.ok(existsSync(join(half, 'file')));
  });

  it('are kept while they are among the last two that were used', async () => {
    const commits = ['one', 'two', 'three'].map(commit);
    for (const each of commits) {
      await trees.revisionTree(each, { repository, build: quietly });
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
    assert.deepEqual(
      kept(),
      commits
        .slice(1)
        .map((each) => each.slice(0, 12))
        .sort(),
    );
    assert.equal(git('worktree', 'list').split('\n').length, 3);
  });

  it('are refused for revisions that there are not, also those that look like options', () => {
    commit('one');
    for (const revision of ['nothing', '--all', ''])
      assert.throws(() => trees.commitOf(revision, repository), /there is no revision/);
  });
});
