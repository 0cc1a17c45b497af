/**
 * Says which sources use what they may not, and whether CONTRIBUTING.md shows the folders as they are. `--write` mends
 * the latter.
 */
import { checkArrows } from './lib/graph.js';
import * as layers from './lib/layers.js';
import { checkPicture } from './lib/picture.js';

const wrong = [
  ...checkArrows('native', layers.native),
  ...checkArrows('lib', layers.lib),
  ...checkPicture({ write: process.argv.includes('--write') }),
];
for (const said of wrong) console.error(said);
if (wrong.length > 0) process.exitCode = 1;
else console.log('Arrows between files point one way, in both languages.');
