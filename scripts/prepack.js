/** npm runs this before it packs: it leaves out binaries of other sources. */
import { existsSync, rmSync } from 'node:fs';
import { prebuiltFolder, sourcesProblem } from './lib/prebuilt.js';
import { main } from './lib/run.js';

await main(async () => {
  const problem = sourcesProblem();
  if (problem === undefined) return;
  if (existsSync(prebuiltFolder)) rmSync(prebuiltFolder, { recursive: true });
  console.log(
    `${problem}: the package compiles the native part where it is installed ("npm run build:prebuilt" makes them)`,
  );
});
