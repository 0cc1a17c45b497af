/**
 * npm test [-- MOCHA OPTIONS] builds what is out of date, then runs the native tests and mocha, in namespaces of their
 * own. It needs node, python3, make, g++ and iproute2.
 */
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { ensureBuilt } from './lib/ensure-built.js';
import { inTurn } from './lib/in-turn.js';
import { areIsolated, namespaceProblem } from './lib/namespace.js';
import { checkRequirements, tunProblem } from './lib/requirements.js';
import { finish, record } from './lib/results.js';
import { main, root } from './lib/run.js';
import { mochaTests, nativeTests, secondChance, testFiles } from './lib/suites.js';

/** The files that `npm run test:full` runs. */
const laterFolders = ['dist/test/full/', 'dist/test/packaging/'];
/** Tests in labs, which wait more than they compute. */
const labFolder = 'dist/test/netns/';
/** Of silence; a test takes a minute at most. */
const limitMs = 300_000;

await main(async () => {
  checkRequirements();
  await ensureBuilt({ tests: true });
  for (const problem of [namespaceProblem(), tunProblem()]) {
    if (problem) console.log(`Some tests will be skipped: ${problem}`);
  }
  const args = process.argv.slice(2);
  const files = testFiles('test').filter((path) => !laterFolders.some((folder) => path.startsWith(folder)));
  const labs = files.filter((path) => path.startsWith(labFolder));
  const others = files.filter((path) => !labs.includes(path));
  const mocha = (name, wanted) => (write) =>
    mochaTests(name, wanted, { args, mayBeEmpty: args.length > 0, limitMs, write });
  const halves = (name, paths) =>
    [0, 1].map((half) =>
      mocha(
        `${name}, ${half + 1} of 2`,
        paths.filter((_, index) => index % 2 === half),
      ),
    );
  // The native tests are the shortest part, so they come last.
  const parts = [
    ...halves('tests in labs', labs),
    ...halves('tests of the library', others),
    (write) => nativeTests('native tests', join(root, 'build', 'Release', 'tunvs_native_tests'), { limitMs, write }),
  ];
  // Labs wait most of the time, so one part more than there are processors keeps these busy.
  const width = areIsolated() ? availableParallelism() + 1 : 1;
  const results = await inTurn(width, parts);
  const all = await secondChance(results);
  const byMocha = all.slice(0, -1);
  // A grep that fits no test is a mistake; each part alone may be without one.
  const isEmpty = ({ passed, skipped, failed }) => passed + skipped + failed === 0;
  if (byMocha.every(isEmpty)) byMocha[0].failed = 1;
  for (const counts of all) record(counts);
  finish();
});
