/**
 * npm run docs [-- --check]: makes docs/reference, docs/control.md and docs/keepalived.md, or says how the reference
 * differs from what lib/ gives. It takes the two pages from what is built; tests compare them.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeReference } from './lib/reference.js';
import { Failure, main, root } from './lib/run.js';

const pages = join(root, 'docs', 'reference');

async function writePages() {
  const built = (name) => join(root, 'dist', 'test', 'support', name);
  if (!existsSync(built('control-page.js')))
    throw new Failure('the tests are not compiled: run "npm run build:ts" first');
  const { CONTROL_PAGE, controlPage } = await import(pathToFileURL(built('control-page.js')).href);
  writeFileSync(join(root, CONTROL_PAGE), await controlPage());
  const { KEEPALIVED_PAGE, keepalivedPage } = await import(pathToFileURL(built('keepalived-page.js')).href);
  writeFileSync(join(root, KEEPALIVED_PAGE), keepalivedPage());
}

await main(async () => {
  const fresh = join(root, 'build', 'reference', 'pages');
  if (!process.argv.includes('--check')) {
    await writePages();
    await writeReference(fresh);
    // Only now, so that a run that is interrupted leaves the pages that are there.
    rmSync(pages, { recursive: true, force: true });
    return cpSync(fresh, pages, { recursive: true });
  }
  await writeReference(fresh);
  const { status, stdout } = spawnSync('diff', ['-ru', pages, fresh], { encoding: 'utf8' });
  if (status !== 0)
    throw new Failure(`${stdout}docs/reference is not what lib/ gives: run "npm run docs" and commit what it writes`);
});
