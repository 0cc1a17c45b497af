/** Makes the picture of folders in CONTRIBUTING.md from the layers. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { lib, native } from './layers.js';
import { root } from './run.js';

const FILE = join(root, 'CONTRIBUTING.md');
const START = '<!-- layers: npm run format writes them -->\n';
const END = '<!-- /layers -->\n';

/** A longer list is put in fewer words where that says the same. */
const MOST_NAMED = 5;

/** Returns the folders with all that they may use, and what that may use in turn. */
function withAllBelow(folders, layers) {
  const found = new Set(folders);
  for (const folder of found) for (const used of usesOf(folder, layers)) found.add(used);
  return found;
}

function usesOf(folder, layers) {
  return layers.find((layer) => layer.folder === folder)?.uses ?? [];
}

/** Says what a folder may use: names each, or the topmost of them where all that is below those is meant. */
export function usesInWords(uses, layers) {
  if (uses.length === 0) return 'nothing';
  const isBelow = (folder) => uses.some((other) => other !== folder && withAllBelow([other], layers).has(folder));
  const top = uses.filter((folder) => !isBelow(folder));
  const saysTheSame = withAllBelow(top, layers).size === uses.length;
  if (uses.length <= MOST_NAMED || !saysTheSame) return uses.join(', ');
  return `${top.join(', ')}, and all below ${top.length > 1 ? 'them' : 'it'}`;
}

function tableOf(name, layers) {
  const rows = layers.map(({ folder, holds, uses }) => [`\`${name}/${folder}\``, holds, usesInWords(uses, layers)]);
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
