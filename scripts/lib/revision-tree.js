/**
 * Trees of other revisions under build/compare/, built once and kept for the next comparison.
 *
 * A tree that was left half built, by an interruption or a failure, has no mark, and the next call makes it anew. The
 * KEPT trees that were used last stay; older ones are removed.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, root, step } from './run.js';

const KEPT = 2;
const MARK = 'compare-built';
const BUILD = `import('./scripts/lib/ensure-built.js').then((built) => built.ensureBuilt())
  .catch((error) => { console.error(error.message); process.exitCode = 1; })`;

function git(repository, ...args) {
  const { status, stdout, stderr, error } = spawnSync('git', args, { cwd: repository, encoding: 'utf8' });
  if (error) throw new Failure(`git cannot be run (${error.code}); install it with: apt-get install git`);
  return { isDone: status === 0, said: stdout.trim(), problem: stderr.trim() };
}

/** Returns the 40 digits of the commit. Throws a Failure when the repository has no such revision. */
export function commitOf(revision, repository = root) {
  const { isDone, said } = git(
    repository,
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${revision}^{commit}`,
  );
  if (!isDone)
    throw new Failure(`benchmark: compare: there is no revision "${revision}" here; git log shows the revisions`);
  return said;
}

/** Builds the tree in `folder` as its own scripts do. */
export async function buildTree(folder, title) {
  if (!existsSync(join(folder, 'scripts', 'lib', 'ensure-built.js')))
    throw new Failure(`${title}: this revision has no scripts/lib/ensure-built.js: take a newer one`);
  await step(title, process.execPath, ['-e', BUILD], { cwd: folder });
}

/**
 * Returns the folder of the revision's tree, built. `build(folder, title)` rejects when it cannot be; then the tree is
 * removed. `repository` and `folder` are others in tests.
 */
export async function revisionTree(revision, options = {}) {
  const { repository = root, folder = join(repository, 'build', 'compare'), build = buildTree } = options;
  const commit = commitOf(revision, repository);
  const tree = join(folder, commit.slice(0, 12));
  const mark = join(tree, 'build', MARK);
  if (!existsSync(mark)) {
    remove(tree, repository);
    mkdirSync(folder, { recursive: true });
    const added = git(repository, 'worktree', 'add', '--detach', '--force', tree, commit);
    if (!added.isDone) throw new Failure(`benchmark: compare: git worktree add: ${added.problem}`);
    try {
      await build(tree, `building ${revision} (${commit.slice(0, 12)})`);
    } catch (error) {
      remove(tree, repository);
      throw error;
    }
    mkdirSync(join(tree, 'build'), { recursive: true });
    writeFileSync(mark, '');
  }
  utimesSync(mark, new Date(), new Date());
  removeOlder(folder, tree, repository);
  return tree;
}

function remove(tree, repository) {
  rmSync(tree, { recursive: true, force: true });
  git(repository, 'worktree', 'prune');
}

/** Trees without a mark are left alone: another comparison may be building them. */
function removeOlder(folder, used, repository) {
  const usedAt = (tree) => statSync(join(tree, 'build', MARK), { throwIfNoEntry: false })?.mtimeMs;
  readdirSync(folder)
    .map((name) => join(folder, name))
    .filter((tree) => tree !== used && usedAt(tree) !== undefined)
    .sort((a, b) => usedAt(b) - usedAt(a))
    .slice(KEPT - 1)
    .map((tree) => remove(tree, repository));
}
