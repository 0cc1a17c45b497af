/** node scripts/failover.js [--failures N]: measures the time to failover beside keepalived's, which must be installed. */
import { join } from 'node:path';
import { ensureBuilt } from './lib/ensure-built.js';
import { isolated } from './lib/namespace.js';
import { checkRequirements } from './lib/requirements.js';
import { handOver, main, root } from './lib/run.js';

await main(async () => {
  checkRequirements();
  await ensureBuilt();
  const failover = [join(root, 'dist', 'bench', 'failover.js'), ...process.argv.slice(2)];
  const [command, args, env] = isolated(process.execPath, failover);
  process.exitCode = await handOver(command, args, { env });
});
