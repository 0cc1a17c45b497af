/**
 * npm runs this in a checkout: before it packs, behind `npm install` without a name, and in the clone that it makes for a
 * dependency by git. It brings dist/ up to date, without which the package is empty.
 */
import { ensureDependencies, ensureTypescript } from './lib/ensure-built.js';
import { main } from './lib/run.js';

await main(async () => {
  await ensureDependencies();
  await ensureTypescript();
});
