/**
 * npm run test:kernels [-- --kernel NAME]... [-- COMMAND...] boots older kernels of Debian's in virtual machines and
 * runs there what depends on the kernel (scripts/kernel-tests.js), or COMMAND in the checkout's folder.
 */
import { parseArgs } from 'node:util';
import { ensureBuilt } from './lib/ensure-built.js';
import { linesNamed } from './lib/machine/lines.js';
import { busybox, kernel, kernels } from './lib/machine/packages.js';
import { fileServer, runInMachine } from './lib/machine/machine.js';
import { checkPrograms, installPrograms } from './lib/programs.js';
import { finish, record } from './lib/results.js';
import { Failure, main } from './lib/run.js';

const limitMs = 900_000; // for a machine, from its start to its end
const print = (text) => process.stdout.write(text);
const tests = [process.execPath, 'scripts/kernel-tests.js'];

await main(async () => {
  const { values, positionals: command } = parseArgs({
    options: { kernel: { type: 'string', multiple: true } },
    allowPositionals: true,
  });
  const names = values.kernel ?? Object.keys(kernels);
  const unknown = names.find((name) => !kernels[name]);
  if (unknown) throw new Failure(`kernels: no kernel ${unknown}; there are ${Object.keys(kernels).join(', ')}`);
  if (process.arch !== 'x64' || process.getuid() !== 0)
    throw new Failure('kernels: it needs an x86-64 machine, and root, which hands its files to the virtual machines');
  await installPrograms(['qemu-system-x86_64']);
  await checkPrograms(['qemu-system-x86_64']);
  if (!fileServer()) throw new Failure('kernels: virtiofsd missing; install with: apt-get install virtiofsd');
  if (command.length === 0) await ensureBuilt({ tests: true });
  for (const name of names) {
    const title = `Linux ${name}`;
    const run = { kernel: await kernel(name), busybox: await busybox(), limitMs, write: linesNamed(title, print) };
    const { status, results } = await runInMachine({ ...run, command: command.length > 0 ? command : tests });
    for (const line of results) record({ ...line, name: `${title}: ${line.name}` });
    const hasFailed = status !== 0 && results.every(({ failed }) => failed === 0);
    if (results.length === 0 || hasFailed) record({ name: title, [status === 0 ? 'passed' : 'failed']: 1 });
    if (command.length > 0 && status !== 0) process.exitCode = status;
  }
  finish();
});
