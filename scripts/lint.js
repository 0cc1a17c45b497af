/** npm run lint, npm run format: Biome and clang-format over all files, saying or mending what is not in style. */
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
