/** npm run bench [-- WORDS]: builds what is out of date and runs the benchmark; words select trials. */
import { join } from 'node:path';
import { ensureBuilt } from './lib/ensure-built.js';
import { isolated } from './lib/namespace.js';
import { checkRequirements } from './lib/requirements.js';
import { handOver, main, root } from './lib/run.js';

await main(async () => {
  checkRequirements();
  await ensureBuilt();
  const benchmark = [join(root, 'dist', 'bench', 'benchmark.js'), ...process.argv.slice(2)];
  const [command, args, env] = isolated(process.execPath, benchmark);
  process.exitCode = await handOver(command, args, { env });
});
