/** npm run docs [-- --check]: makes docs/reference, or says how it differs from what lib/ gives. */
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { writeReference } from './lib/reference.js';
import { Failure, main, root } from './lib/run.js';

const pages = join(root, 'docs', 'reference');

await main(async () => {
  if (!process.argv.includes('--check')) return writeReference(pages);
  const fresh = join(root, 'build', 'reference', 'pages');
  await writeReference(fresh);
  const { status, stdout } = spawnSync('diff', ['-ru', pages, fresh], { encoding: 'utf8' });
  if (status !== 0)
    throw new Failure(`${stdout}docs/reference is not what lib/ gives: run "npm run docs" and commit what it writes`);
});
