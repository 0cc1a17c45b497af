/** Reads a configuration: text in, a spec with the origin of each value out, or all mistakes at once. */
import { type CheckSurroundings, checkConfig } from './check/check.js';
import type { Finding } from './check/issues.js';
import { isSecretOfHealth } from './check-options.js';
import { formatPath, type Mistake, type Path } from './mistake.js';
import { type ConfigFiles, diskFiles } from './read/files.js';
import { NotedFiles } from './read/noted-files.js';
import { gather } from './read/includes.js';
import { addParts, type ConfigParts } from './read/parts.js';
import { writeOut } from './read/short-forms.js';
import { type Environment, toValue, type Valued } from './read/to-value.js';
import type { Origin, Origins, Spec } from './spec.js';

/**
 * The options of {@link parseConfig}.
 *
 * @example
 * ```ts
 * import { type ParseConfigOptions, parseConfig } from 'tunvs/config';
 *
 * const options: ParseConfigOptions = { path: 'web.yaml', environment: { DIP: '10.2.0.2' } };
 * const parsed = parseConfig('source: { env: DIP }', options);
 * if ('spec' in parsed) console.log(parsed.spec.source); // 10.2.0.2
 * ```
 */
export interface ParseConfigOptions {
  /** Names the file that the text is from. Includes and other paths begin at its folder. */
  path: string;
  /** Reads included files; the default reads the disk. */
  files?: ConfigFiles;
  /** Says what full NAT has in place of what the file says of it, which is only checked then. @internal */
  fullNat?: { sources: string[] };
  /** What stands elsewhere than in files. @internal */
  parts?: ConfigParts;
  /** Has what `{ env: NAME }` may name; the default is the process's own environment. */
  environment?: Environment;
}

/** A configuration file without mistakes. */
export interface ParsedConfig {
  /** What is wanted. */
  spec: Spec;
  /** Where each value stands. */
  origins: Origins;
  /** What works and was hardly meant. */
  warnings: Mistake[];
  /** All files that were read, the first one first. */
  files: string[];
  /** All files and folders that were looked at, there or not: a change of one may change what the configuration says. */
  watched: string[];
}

/** A configuration file with mistakes. */
export interface RefusedConfig {
  /** All of them, in the order of the files. */
  mistakes: Mistake[];
  /** What works and was hardly meant. */
  warnings: Mistake[];
  /** All files that were read, the first one first. */
  files: string[];
  /** All files and folders that were looked at, there or not: a change of one may change what the configuration says. */
  watched: string[];
  /** The fleet that the director would be of, which may mend what is wrong. @internal */
  etcd?: NonNullable<Spec['etcd']>;
}

/**
 * Reads a configuration in YAML or JSON with all that it includes. It returns all mistakes at once, and does not throw,
 * whatever the text.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { ConfigError, parseConfig, SpecSession } from 'tunvs/config';
 *
 * const text = `
 * source: 10.2.0.2
 * services:
 *   - listen: tcp 192.0.2.1:80
 *     servers: [10.3.0.11, 10.3.0.12]
 * `;
 * const parsed = parseConfig(text, { path: 'tunvs.yaml' });
 * if ('mistakes' in parsed) throw new ConfigError(parsed.mistakes);
 * const director = Director.offline({ source: '10.2.0.2' });
 * const session = new SpecSession(director);
 * await session.apply(parsed);
 * console.log(director.virtualServices[0]?.realServers.length); // 2
 * await director.close();
 * await session.close();
 * ```
 */
export function parseConfig(text: string | Uint8Array, options: ParseConfigOptions): ParsedConfig | RefusedConfig {
  const { path, environment = process.env, fullNat, parts } = options;
  const files = new NotedFiles(options.files ?? diskFiles, path);
  const { root, mistakes: unreadable, warnings, files: read } = gather(text, path, files);
  if (root === undefined) {
    return { mistakes: inOrder(unreadable, read), warnings, files: read, watched: files.paths };
  }
  const unadded = parts === undefined ? [] : addParts(root, parts);
  const unwritten = writeOut(root);
  const valued = toValue(root, environment);
  const unread = new Set(valued.mistakes.map((mistake) => mistake.path));
  const origin = (at: Path, isName = false) => originOf(valued, at, isName);
  const surroundings: CheckSurroundings = {
    files,
    placed: (at) => `${origin(at).file}:${origin(at).line}`,
    fileOf: (at) => origin(at).file,
    ...(fullNat && { fullNat }),
  };
  const checked = checkConfig(valued.value as Record<string, unknown>, surroundings);
  const asMistake = ({ path: at, isName, message, mend }: Finding): Mistake => ({
    path: formatPath(at),
    ...origin(at, isName),
    message: isSecret(at) ? withoutValue(message) : message,
    mend,
  });
  const refused = checked.findings.map(asMistake).filter((mistake) => !unread.has(mistake.path));
  // Spread as arguments they would be more than a call takes, where a file has no end of mistakes.
  const mistakes = [unreadable, unadded, unwritten, valued.mistakes, refused].flat();
  const allWarnings = [
    ...warnings,
    ...checked.warnings.map(asMistake),
    ...anybodys([...read, ...policiesOf(checked.spec)], files),
  ];
  const looked = { files: read, watched: files.paths };
  const { etcd } = checked.spec;
  if (mistakes.length > 0)
    return { mistakes: inOrder(mistakes, read), warnings: allWarnings, ...looked, ...(etcd && { etcd }) };
  return { spec: checked.spec, origins: valued.origins, warnings: allWarnings, ...looked };
}

const policiesOf = ({ services = [] }: Spec) => services.flatMap(({ policy }) => policy ?? []);

/** Whoever can change such a file has what the daemon may do; a policy is a program that the daemon runs. */
function anybodys(paths: readonly string[], files: ConfigFiles): Mistake[] {
  const open = [...new Set(paths)].filter((path) => files.isAnybodys?.(path));
  return open.map((file) => ({
    path: '',
    ...{ file, line: 1, column: 1 },
    message: 'any user of this host can change the file, and the director with it',
    mend: `chmod o-w ${file}`,
  }));
}

/** A token that was written into the file must not get into logs by the mistake that it is. */
const isSecret = (path: Path) =>
  path.includes('tokens') ||
  path[0] === 'hashSeed' ||
  (path[0] === 'etcd' && (path[1] === 'password' || path[1] === 'endpoints')) ||
  isSecretOfHealth(path);

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
  const ranks = new Map(files.map((file, index) => [file, index]));
  const rank = ({ file }: Mistake) => ranks.get(file) ?? -1;
  return [...once.values()].sort((a, b) => rank(a) - rank(b) || a.line - b.line || a.column - b.column);
}
