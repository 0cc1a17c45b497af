/**
 * npm run bench [-- WORDS]: builds what is out of date and runs the benchmark; words select trials. What is wrong with
 * the command line shows before the native part is built, which takes minutes.
 */
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { benchArguments, HELP } from './lib/bench-arguments.js';
import { ensureDependencies, ensureNative, ensureTypescript } from './lib/ensure-built.js';
import { isolated, namespaceProblem } from './lib/namespace.js';
import { checkRequirements } from './lib/requirements.js';
import { commitOf, revisionTree } from './lib/revision-tree.js';
import { Failure, handOver, main, root } from './lib/run.js';

const built = (name) => join(root, 'dist', 'bench', `${name}.js`);

/** Throws a Failure for words that mean no trial, and when all that they mean needs a lab that cannot be built. */
async function checkWords(words) {
  const { selected, listed } = await import(pathToFileURL(built('selection')).href);
  const { subjectsInLabs } = await import(pathToFileURL(built('subjects/labs')).href);
  let trials;
  try {
    trials = selected(words);
  } catch (error) {
    throw new Failure(`benchmark: ${error.message}`);
  }
  const problem = namespaceProblem();
  if (problem && trials.every(({ subject }) => subjectsInLabs.has(subject)))
    throw new Failure(`benchmark: these trials need a lab, and ${problem}`);
  return listed;
}

/** Returns the command that compares this tree with the revision's, which is built. */
async function comparison(revision) {
  const tree = await revisionTree(revision);
  return [built('compare'), tree, revision];
}

await main(async () => {
  const args = process.argv.slice(2);
  const { words, revision, isHelp, isList } = benchArguments(args);
  if (isHelp) {
    process.stdout.write(HELP);
    return;
  }
  if (revision !== undefined) commitOf(revision);
  checkRequirements();
  await ensureDependencies();
  await ensureTypescript();
  const listed = await checkWords(words);
  if (isList) {
    process.stdout.write(listed());
    return;
  }
  await ensureNative();
  const program = revision === undefined ? [built('benchmark')] : await comparison(revision);
  const [command, rest, env] = isolated(process.execPath, [...program, ...args]);
  process.exitCode = await handOver(command, rest, { env });
});
