/** Prints which of the programs that it starts have capabilities. */
import { spawnSync } from 'node:child_process';
import { execCheck } from '../../../lib/health/checks/exec.js';
import { runCommand } from '../../../lib/health/notify/run-command.js';

const HAS_NONE: [string, ...string[]] = ['/bin/grep', '-qE', '^CapEff:.0+$', '/proc/self/status'];
const [program, ...words] = HAS_NONE;

const hasSome = () => spawnSync(program, words).status !== 0;
const before = hasSome();
const { signal } = new AbortController();
const server = { address: '127.0.0.1', port: 80, service: { protocol: 'tcp', address: '127.0.0.1', port: 80 } };
const found = await execCheck({ path: program, arguments: words })
  .run({ server, way: undefined as never, signal })
  .catch(() => ({ passed: false }));
const failure = await runCommand({ command: HAS_NONE, timeoutMs: 5000 }, {});
process.stdout.write(
  JSON.stringify({ before, check: !found.passed, command: failure !== undefined, after: hasSome() }),
);
