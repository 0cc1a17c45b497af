/** Reads a configuration: text in, a spec with the origin of each value out, or all mistakes at once. */
import { type CheckSurroundings, checkConfig } from './check/check.js';
import type { Finding } from './check/issues.js';
import { formatPath, type Mistake, type Path } from './mistake.js';
import { type ConfigFiles, diskFiles } from './read/files.js';
import { gather } from './read/includes.js';
import { writeOut } from './read/short-forms.js';
import { type Environment, toValue, type Valued } from './read/to-value.js';
import type { Origin, Origins, Spec } from './spec.js';

export interface ParseConfigOptions {
  /** The file that the text is from. Includes and other paths begin at its folder. */
  path: string;
  /** Where included files are; the default is the disk. */
  files?: ConfigFiles;
  /** What `{ env: NAME }` may name; the default is the process's own environment. */
  environment?: Environment;
}

export interface ParsedConfig {
  spec: Spec;
  origins: Origins;
  /** What works and was hardly meant. */
  warnings: Mistake[];
  /** All files that were read, the first one first. */
  files: string[];
}

export interface RefusedConfig {
  mistakes: Mistake[];
  warnings: Mistake[];
  files: string[];
}

/** Does not throw, whatever the text. */
export function parseConfig(text: string | Uint8Array, options: ParseConfigOptions): ParsedConfig | RefusedConfig {
  const { path, files = diskFiles, environment = process.env } = options;
  const { root, mistakes, warnings, files: read } = gather(text, path, files);
  if (root === undefined) return { mistakes: inOrder(mistakes, read), warnings, files: read };
  mistakes.push(...writeOut(root));
  const valued = toValue(root, environment);
  mistakes.push(...valued.mistakes);
  const unread = new Set(valued.mistakes.map((mistake) => mistake.path));
  const origin = (at: Path, isName = false) => originOf(valued, at, isName);
  const surroundings: CheckSurroundings = {
    files,
    placed: (at) => `${origin(at).file}:${origin(at).line}`,
    fileOf: (at) => origin(at).file,
  };
  const checked = checkConfig(valued.value as Record<string, unknown>, surroundings);
  const asMistake = ({ path: at, isName, message, mend }: Finding): Mistake => ({
    path: formatPath(at),
    ...origin(at, isName),
    message: isSecret(at) ? withoutValue(message) : message,
    mend,
  });
  mistakes.push(...checked.findings.map(asMistake).filter((mistake) => !unread.has(mistake.path)));
  const allWarnings = [...warnings, ...checked.warnings.map(asMistake)];
  if (mistakes.length > 0) return { mistakes: inOrder(mistakes, read), warnings: allWarnings, files: read };
  return { spec: checked.spec, origins: valued.origins, warnings: allWarnings, files: read };
}

/** A token that was written into the file must not get into logs by the mistake that it is. */
const isSecret = (path: Path) => path.includes('tokens') || path[0] === 'hashSeed';

const withoutValue = (message: string) => message.replace(/^.* cannot stand here/s, 'what stands here cannot be taken');

/** A value that is missing stands where the map stands that lacks it. */
function originOf({ origins, names }: Valued, path: Path, isName: boolean): Origin {
  for (let length = path.length; length >= 0; length--) {
    const at = formatPath(path.slice(0, length));
    const found = isName && length === path.length ? names.get(at) : (origins.get(at) ?? names.get(at));
    if (found !== undefined) return found;
  }
  throw new RangeError('a configuration has no root');
}

function inOrder(mistakes: readonly Mistake[], files: readonly string[]): Mistake[] {
  const once = new Map(mistakes.map((mistake) => [JSON.stringify(mistake), mistake]));
  return [...once.values()].sort(
    (a, b) => files.indexOf(a.file) - files.indexOf(b.file) || a.line - b.line || a.column - b.column,
  );
}
