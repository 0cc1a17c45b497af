/** npm run fuzz [-- WORDS]: builds the fuzz targets whose names hold a word and runs them (TUNVS_FUZZ_SECONDS each). */
import { availableParallelism } from 'node:os';
import { buildSanitized, chooseFuzzTargets } from './lib/cmake.js';
import { runFuzzTarget } from './lib/fuzzing.js';
import { checkPrograms } from './lib/programs.js';
import { finish } from './lib/results.js';
import { inParallel, main } from './lib/run.js';

await main(async () => {
  await checkPrograms(['clang', 'cmake']);
  const names = chooseFuzzTargets(process.argv.slice(2));
  const folder = await buildSanitized('asan', names);
  await inParallel(
    availableParallelism(),
    names.map((name) => () => runFuzzTarget(folder, name)),
  );
  finish();
});
