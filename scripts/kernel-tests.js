/**
 * What `npm run test:kernels` runs in each virtual machine: the tests of what depends on the kernel. It builds nothing,
 * as the checkout is read-only there.
 */
import { join } from 'node:path';
import { finish, record } from './lib/results.js';
import { main, root } from './lib/run.js';
import { mochaTests, nativeTests, secondChance, testFiles } from './lib/suites.js';

const natives = ['fastpath', 'io/tc', 'io/ring', 'io/os/bpf', 'realserver'];
const shortLabs = ['fast-path-privileges'];
// Without KVM their commands take longer to start than labs wait.
const longLabs = ['forwarding', 'fragments', 'real-server'];

const limitMs = 120_000; // for a test

await main(async () => {
  const binary = join(root, 'build', 'Release', 'tunvs_native_tests');
  const isSlow = process.env.TUNVS_MACHINE === 'tcg';
  const labs = isSlow ? shortLabs : [...shortLabs, ...longLabs];
  const files = testFiles('test/netns', (path) => labs.some((lab) => path === `${lab}.test.js`));
  const results = [];
  for (const filter of natives) results.push(await nativeTests(`native tests of ${filter}`, binary, { filter }));
  results.push(await mochaTests('labs', files, { args: ['--timeout', String(limitMs)] }));
  if (isSlow) record({ name: `labs that need KVM: ${longLabs.join(', ')}`, skipped: longLabs.length });
  for (const counts of await secondChance(results)) record(counts);
  finish();
});
