/**
 * Checks which file uses which against the layers (layers.js): no arrow against them, no circle of files, types
 * included.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { join, normalize } from 'node:path';
import { root } from './run.js';

/** How the two languages name what they use. */
export const languages = {
  lib: {
    isSource: (path) => path.endsWith('.ts'),
    uses: (path, text) =>
      [...text.matchAll(/(?:\bfrom|\bimport|\bimport\()\s*'(\.[^']*)\.js'/g)].map(([, name]) =>
        normalize(join(path, '..', `${name}.ts`)),
      ),
  },
  native: {
    isSource: (path) => /\.(?:cc|h)$/.test(path) && !/_(?:test|fuzz)\.cc$/.test(path) && !path.startsWith('support/'),
    uses: (_path, text) => [...text.matchAll(/^#include "([^"]+)"/gm)].map(([, name]) => name),
  },
};

/** Returns what each source of a folder uses there, by path within it. */
export function readGraph(folder, { isSource, uses }) {
  const files = readdirSync(folder, { recursive: true }).filter(isSource).sort();
  const known = new Set(files);
  return new Map(
    files.map((path) => {
      const used = uses(path, readFileSync(join(folder, path), 'utf8'));
      return [path, [...new Set(used)].filter((name) => known.has(name) && name !== path)];
    }),
  );
}

/** Returns the deepest layer that a file lies in, undefined when there is none. */
function layerOf(layers, path) {
  const within = layers.filter(({ folder }) => (folder === '' ? !path.includes('/') : path.startsWith(`${folder}/`)));
  return within.sort((a, b) => b.folder.length - a.folder.length)[0];
}

/** Returns a sentence for each file without a layer, and for each arrow that points where it may not. */
export function wrongArrows(graph, layers) {
  const wrong = [];
  for (const [path, used] of graph) {
    const layer = layerOf(layers, path);
    if (layer === undefined) {
      wrong.push(`${path} lies in no folder of scripts/lib/layers.js: move it, or give its folder a place there`);
      continue;
    }
    for (const name of used) {
      const other = layerOf(layers, name);
      if (other === undefined || other === layer || layer.uses.includes(other.folder)) continue;
      wrong.push(`${path} uses ${name}: ${layer.folder || 'the root'} may use ${layer.uses.join(', ') || 'nothing'}`);
    }
  }
  return wrong;
}

/** Returns a sentence for each folder that uses, directly or not, one that uses it. */
export function wrongLayers(layers) {
  const uses = new Map(layers.map(({ folder, uses }) => [folder, uses]));
  const wrong = [];
  for (const { folder, uses: used } of layers)
    for (const name of used)
      if (!uses.has(name)) wrong.push(`${folder} may use ${name}, which is not a folder of the layers`);
  return [...wrong, ...circles(uses).map((circle) => `these folders may use each other: ${circle.join(', ')}`)];
}

/** Returns those that use each other, directly or not: the strongly connected ones (Tarjan, 1972). */
export function circles(graph) {
  const found = [];
  const numbers = new Map();
  const lowest = new Map();
  const stack = [];
  const visit = (path) => {
    numbers.set(path, numbers.size);
    lowest.set(path, numbers.get(path));
    stack.push(path);
    for (const name of graph.get(path) ?? []) {
      if (!numbers.has(name)) visit(name);
      if (stack.includes(name)) lowest.set(path, Math.min(lowest.get(path), lowest.get(name)));
    }
    if (lowest.get(path) !== numbers.get(path)) return;
    const circle = stack.splice(stack.indexOf(path));
    if (circle.length > 1) found.push(circle.sort());
  };
  for (const path of graph.keys()) if (!numbers.has(path)) visit(path);
  return found;
}

/** Returns all that is wrong in one of the languages, a sentence each. */
export function checkArrows(language, layers) {
  const graph = readGraph(join(root, language), languages[language]);
  return [
    ...wrongLayers(layers),
    ...wrongArrows(graph, layers),
    ...circles(graph).map((circle) => `these files use each other: ${circle.join(', ')}`),
  ].map((said) => `${language}: ${said}`);
}
