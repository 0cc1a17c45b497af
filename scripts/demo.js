/** npm run demo [-- OPTIONS]: builds what is out of date and runs `tunvs demo OPTIONS`, as root or not. */
import { join } from 'node:path';
import { ensureBuilt } from './lib/ensure-built.js';
import { isolated, namespaceProblem } from './lib/namespace.js';
import { checkRequirements, tunProblem } from './lib/requirements.js';
import { Failure, handOver, main, root } from './lib/run.js';

await main(async () => {
  checkRequirements();
  const isRoot = process.getuid() === 0;
  const problem = tunProblem() ?? (isRoot ? '' : namespaceProblem());
  if (problem) throw new Failure(`The demo cannot run: ${problem}`);
  await ensureBuilt();
  const demo = [join(root, 'dist', 'lib', 'cli', 'main.js'), 'demo', ...process.argv.slice(2)];
  const [command, args, env] = isRoot ? [process.execPath, demo, process.env] : isolated(process.execPath, demo);
  process.exitCode = await handOver(command, args, { env });
});
