/**
 * npm test [-- MOCHA OPTIONS] builds what is out of date, then runs the native tests and mocha, in namespaces of their
 * own. It needs node, python3, make, g++ and iproute2.
 */
import { join } from 'node:path';
import { ensureBuilt } from './lib/ensure-built.js';
import { namespaceProblem } from './lib/namespace.js';
import { checkRequirements, tunProblem } from './lib/requirements.js';
import { finish } from './lib/results.js';
import { main, root } from './lib/run.js';
import { runMocha, runNativeTests, testFiles } from './lib/suites.js';

/** The files that `npm run test:full` runs. */
const laterFolders = ['dist/test/full/', 'dist/test/packaging/'];

await main(async () => {
  checkRequirements();
  await ensureBuilt({ tests: true });
  for (const problem of [namespaceProblem(), tunProblem()]) {
    if (problem) console.log(`Some tests will be skipped: ${problem}`);
  }
  await runNativeTests('native tests', join(root, 'build', 'Release', 'tunvs_native_tests'));
  const files = testFiles('test').filter((path) => !laterFolders.some((folder) => path.startsWith(folder)));
  await runMocha('mocha', files, { args: process.argv.slice(2) });
  finish();
});
