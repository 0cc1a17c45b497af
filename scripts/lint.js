/**
 * npm run lint and npm run format run Biome and clang-format over all files: one says what is not in style, one mends
 * it.
 */
import { ensureDependencies } from './lib/ensure-built.js';
import { linters } from './lib/linting.js';
import { checkPrograms } from './lib/programs.js';
import { handOver, main } from './lib/run.js';

await main(async () => {
  await checkPrograms(['clang-format']);
  await ensureDependencies();
  const write = process.argv.includes('--write');
  for (const command of Object.values(linters)) {
    if ((await handOver(...command({ write }))) !== 0) process.exitCode = 1;
  }
});
