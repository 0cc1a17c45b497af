/** Makes the picture of folders in CONTRIBUTING.md from the layers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lib, native } from './layers.js';
import { root } from './run.js';

const FILE = join(root, 'CONTRIBUTING.md');
const START = '<!-- layers: npm run format writes them -->\n';
const END = '<!-- /layers -->\n';

function tableOf(name, layers) {
  const rows = layers.map(({ folder, holds, uses }) => [
    `\`${name}/${folder}\``,
    holds,
    uses.length > 0 ? uses.join(', ') : 'nothing',
  ]);
  const lines = [['folder', 'holds', 'may use'], ['---', '---', '---'], ...rows];
  return lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Says what is wrong with the picture, a sentence each; returns nothing when `write` has mended it. */
export function checkPicture({ write }) {
  const text = readFileSync(FILE, 'utf8');
  const from = text.indexOf(START);
  const to = text.indexOf(END);
  if (from < 0 || to < from) return [`CONTRIBUTING.md: the lines "${START.trim()}" and "${END.trim()}" are not there`];
  const wanted = `${text.slice(0, from)}${START}\n${tableOf('native', native)}\n\n${tableOf('lib', lib)}\n\n${text.slice(to)}`;
  if (wanted === text) return [];
  if (!write)
    return ['CONTRIBUTING.md: its picture of the folders differs from scripts/lib/layers.js; run "npm run format"'];
  writeFileSync(FILE, wanted);
  return [];
}
