/** npm run clean: removes what builds make, not node_modules. */
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './lib/run.js';

for (const folder of ['build', 'dist', 'prebuilds', 'coverage'])
  rmSync(join(root, folder), { recursive: true, force: true });
