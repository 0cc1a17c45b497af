/** Finds the files that a pattern of an `include` means, as glob(3) with braces does. */
import { resolve } from 'node:path';
import type { ConfigFiles } from '../../config/read/files.js';

const MOST_ALTERNATIVES = 1024;
/** PATH_MAX. */
const LONGEST = 4096;
const MOST_PATHS = 20_000;

/** Returns the paths in the order of their names; a pattern without wildcards means itself, if it is there. */
export function globbed(pattern: string, folder: string, files: ConfigFiles): string[] {
  const found: string[] = [];
  for (const each of alternatives(pattern)) {
    const [first, ...parts] = resolve(folder, each).split('/');
    for (const path of matching([`${first}`], parts, files)) found.push(path);
    if (found.length >= MOST_PATHS) break;
  }
  return found.slice(0, MOST_PATHS);
}

export const hasWildcard = (pattern: string) => /[*?[]/.test(pattern);

function matching(folders: readonly string[], parts: readonly string[], files: ConfigFiles): string[] {
  let paths = [...folders];
  for (const part of parts) {
    const next: string[] = [];
    for (const path of paths) {
      if (!hasWildcard(part)) next.push(`${path}/${part}`);
      else if (files.kind(path || '/') === 'folder') for (const name of named(path, part, files)) next.push(name);
      if (next.length >= MOST_PATHS) break;
    }
    paths = next;
  }
  return paths.filter((path) => files.kind(path) !== undefined);
}

function named(folder: string, pattern: string, files: ConfigFiles): string[] {
  return files
    .list(folder || '/')
    .filter((name) => (pattern.startsWith('.') || !name.startsWith('.')) && fits(name, pattern))
    .sort()
    .map((name) => `${folder}/${name}`);
}

/** Writes out `a{b,c}` as `ab` and `ac`, in a shell's order; an unpaired brace stands for itself. */
export function alternatives(pattern: string): string[] {
  if (pattern.length > LONGEST) return [pattern];
  const open = [pattern];
  const done: string[] = [];
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const parts = outermost(next);
    if (parts === undefined) done.push(next);
    else for (const part of parts.reverse()) open.push(part);
    if (done.length + open.length > MOST_ALTERNATIVES) return [pattern];
  }
  return done;
}

function outermost(pattern: string): string[] | undefined {
  for (let begin = pattern.indexOf('{'); begin >= 0; begin = pattern.indexOf('{', begin + 1)) {
    const commas = [begin];
    let depth = 0;
    for (let at = begin; at < pattern.length; at++) {
      if (pattern[at] === '{') depth++;
      else if (pattern[at] === ',' && depth === 1) commas.push(at);
      else if (pattern[at] === '}' && --depth === 0) {
        const [before, after] = [pattern.slice(0, begin), pattern.slice(at + 1)];
        return commas.map((comma, index) => `${before}${pattern.slice(comma + 1, commas[index + 1] ?? at)}${after}`);
      }
    }
  }
  return undefined;
}

/** Whether a name fits `*`, `?` and `[a-z]`; the time grows by the product of the two lengths at most. */
export function fits(name: string, pattern: string): boolean {
  let [at, piece, star, tried] = [0, 0, -1, 0];
  while (at < name.length) {
    const set = pattern[piece] === '[' ? setAt(pattern, piece) : undefined;
    if (pattern[piece] === '*') {
      star = piece++;
      tried = at;
    } else if (
      set === undefined ? pattern[piece] === '?' || pattern[piece] === name[at] : set.has(name[at] as string)
    ) {
      piece = set?.end ?? piece + 1;
      at++;
    } else if (star >= 0) {
      piece = star + 1;
      at = ++tried;
    } else return false;
  }
  while (pattern[piece] === '*') piece++;
  return piece === pattern.length;
}

/** A bracket that nobody closes stands for itself. */
function setAt(pattern: string, begin: number): { end: number; has(character: string): boolean } | undefined {
  const end = pattern.indexOf(']', begin + 2);
  if (end < 0) return undefined;
  const isNot = /[!^]/.test(pattern[begin + 1] as string);
  const members = pattern.slice(begin + (isNot ? 2 : 1), end);
  const has = (character: string) => {
    for (let at = 0; at < members.length; at++) {
      const [from, dash, to] = [members[at] as string, members[at + 1], members[at + 2]];
      const isRange = dash === '-' && to !== undefined;
      if (isRange ? from <= character && character <= to : from === character) return !isNot;
      if (isRange) at += 2;
    }
    return isNot;
  };
  return { end: end + 1, has };
}
