/**
 * What npm runs when the package is installed: nothing where a prebuilt binary fits, which is found out by loading it;
 * elsewhere the native part is compiled. The last line says what to do when that fails.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { compileInstalled } from './lib/compile-installed.js';
import { unfitReason } from './lib/prebuilt-fit.js';
import { Failure, main, root } from './lib/run.js';

/** A checkout is built by `npm run build`, and what npm packs of it is compiled where it is installed. */
const isCheckout = existsSync(join(root, 'lib', 'index.ts'));

await main(async () => {
  if (!isCheckout && !existsSync(join(root, 'dist', 'lib', 'index.js'))) {
    throw new Failure('tunvs: the package holds no dist/, so whoever packed it did not run its scripts; pack it again');
  }
  if (isCheckout) return console.log('tunvs: this is a checkout, which "npm run build" builds');
  const reason = await unfitReason();
  if (reason === undefined) return;
  console.log(`tunvs: ${reason}; the native part is compiled, which takes minutes`);
  await compileInstalled();
});
