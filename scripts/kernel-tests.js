/**
 * What `npm run test:kernels` runs in each virtual machine: the tests of what depends on the kernel. It builds nothing,
 * as the checkout is read-only there.
 */
import { join } from 'node:path';
import { finish, record } from './lib/results.js';
import { main, root } from './lib/run.js';
import { mochaTests, nativeTests, secondChance, testFiles } from './lib/suites.js';

const natives = ['fastpath', 'io/tc', 'realserver'];
const labs = ['forwarding', 'fast-path-privileges', 'fragments', 'real-server'];

await main(async () => {
  const binary = join(root, 'build', 'Release', 'tunvs_native_tests');
  const files = testFiles('test/netns', (path) => labs.some((lab) => path === `${lab}.test.js`));
  const results = [];
  for (const filter of natives) results.push(await nativeTests(`native tests of ${filter}`, binary, { filter }));
  // A machine without KVM is slow.
  results.push(await mochaTests('labs', files, { args: ['--timeout', '120000'] }));
  for (const counts of await secondChance(results)) record(counts);
  finish();
});
