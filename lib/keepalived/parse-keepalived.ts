/** Reads keepalived's configuration: text in, a spec with the origin of each value out, or all mistakes at once. */
import { hostname } from 'node:os';
import { checkConfig } from '../config/check/check.js';
import { formatPath, type Mistake, type Path } from '../config/mistake.js';
import type { ParsedConfig, RefusedConfig } from '../config/parse-config.js';
import { type ConfigFiles, diskFiles } from '../config/read/files.js';
import { NotedFiles } from '../config/read/noted-files.js';
import type { Origin } from '../config/spec.js';
import { Fields, written } from './convert/fields.js';
import { globalBlock, newsOf, timeoutsOf } from './convert/global.js';
import { Groups } from './convert/listen.js';
import { Accounts, Scripts } from './convert/scripts.js';
import { servicesOf } from './convert/service.js';
import { Size } from './convert/size.js';
import { TrackedFiles } from './convert/tracked-files.js';
import { each, last, Values } from './convert/values.js';
import { judge } from './judge.js';
import { topKeywords } from './keywords/index.js';
import { type Limits, LIMITS } from './language/definitions.js';
import { logicalLines } from './language/logical-lines.js';
import { MOST_NAMED, NotReadOn, Said } from './language/place.js';
import { type SourceLine, sourceLines } from './language/source-lines.js';
import { type Statement, statementsOf } from './language/statements.js';

export interface ParseKeepalivedOptions {
  /** Names the file that the text is from. What it includes begins at its folder. */
  path: string;
  /** Reads included files and the accounts of the host; the default reads the disk. */
  files?: ConfigFiles;
  /** What `@ID` is compared with. The default is the host's name up to its first dot, as keepalived has it. */
  id?: string;
  /** The director's own addresses, which keepalived's configuration does not say. */
  source?: readonly string[];
  /** Returns a number of [0, 1), for `${_RANDOM}`. */
  random?: () => number;
  limits?: Limits;
}

/**
 * They stand in where nobody says the director's addresses, so that all the rest is checked: the dummy address of
 * RFC 7600, and one of the discard prefix (RFC 6666), which nobody's servers have.
 */
const ANY_SOURCE = ['192.0.0.8', '100::1'];

/** It returns all mistakes at once, and does not throw, whatever the text. */
export function parseKeepalived(
  text: string | Uint8Array,
  options: ParseKeepalivedOptions,
): ParsedConfig | RefusedConfig {
  const { path, source = ANY_SOURCE } = options;
  const said = new Said();
  const files = new NotedFiles(options.files ?? diskFiles, path);
  const lines = sourceLines(text, path, { files, said });
  const root = rootOf(lines.lines, options, said)?.set('source', [...source]);
  const read = [...lines.read];
  if (root === undefined) {
    const [mistakes, warnings] = [inOrder(said.mistakes, read), inOrder(said.warnings, read)];
    return { mistakes, warnings, files: read, watched: files.paths };
  }
  const origins = new Map<string, Origin>();
  const value = written(root, { file: path, line: 1 }, '', origins) as Record<string, unknown>;
  const origin = (at: Path) => originOf(at, origins);
  const checked = checkConfig(value, {
    files,
    placed: (at) => `${origin(at).file}:${origin(at).line}`,
    fileOf: (at) => origin(at).file,
  });
  const asMistake = ({ path: at, message, mend }: { path: Path; message: string; mend: string }): Mistake => ({
    path: formatPath(at),
    ...origin(at),
    message,
    mend,
  });
  const mistakes = inOrder([...said.mistakes, ...checked.findings.map(asMistake)], read);
  const warnings = inOrder([...said.warnings, ...checked.warnings.map(asMistake)], read);
  const looked = { warnings, files: read, watched: files.paths };
  return mistakes.length > 0 ? { mistakes, ...looked } : { spec: checked.spec, origins, ...looked };
}

/** Returns undefined where reading ended before the end, which is said. */
function rootOf(lines: Iterable<SourceLine>, options: ParseKeepalivedOptions, said: Said): Fields | undefined {
  const { path, id = hostname().split('.')[0] as string, random = Math.random, limits = LIMITS } = options;
  try {
    const statements = statementsOf(logicalLines(lines, said, { id, random, limits }), said);
    judge(statements, topKeywords, said);
    return convert(statements, path, options.files ?? diskFiles, said);
  } catch (error) {
    if (error instanceof NotReadOn) return undefined;
    throw error;
  }
}

function convert(statements: readonly Statement[], path: string, files: ConfigFiles, said: Said): Fields {
  const values = new Values(said);
  const scripts = new Scripts(new Accounts(files), said);
  const global = globalBlock(statements);
  scripts.usualUser(last(global, 'script_user'));
  scripts.isSafe = last(global, 'enable_script_security') !== undefined;
  const converting = { values, scripts, tracked: new TrackedFiles(statements, values) };
  const size = new Size(said);
  const groups = new Groups(each(statements, 'virtual_server_group'), values, size);
  const services = each(statements, 'virtual_server').flatMap((server) =>
    servicesOf(server, groups, { ...converting, size }),
  );
  const news = newsOf(global, values);
  // What holds for all services would check those that keepalived does not check.
  if (news !== undefined)
    for (const service of services) if (service.get('health') === undefined) service.set('health', false);
  return new Fields({ file: path, line: 1 })
    .set('timeouts', timeoutsOf(global, values))
    .set('health', news && new Fields(news.place).set('notify', news))
    .set('services', services.length > 0 ? services : undefined);
}

/** A value that nothing says stands where the part stands that it belongs to. */
function originOf(path: Path, origins: ReadonlyMap<string, Origin>): Origin {
  for (let length = path.length; length > 0; length--) {
    const found = origins.get(formatPath(path.slice(0, length)));
    if (found !== undefined) return found;
  }
  return origins.get('') as Origin;
}

function inOrder(mistakes: readonly Mistake[], files: readonly string[]): Mistake[] {
  const once = new Map(mistakes.map((mistake) => [JSON.stringify(mistake), mistake]));
  const ranks = new Map(files.map((file, index) => [file, index]));
  const rank = ({ file }: Mistake) => ranks.get(file) ?? -1;
  const sorted = [...once.values()].sort((a, b) => rank(a) - rank(b) || a.line - b.line);
  if (sorted.length <= MOST_NAMED + 1) return sorted;
  const named = sorted.slice(0, MOST_NAMED);
  const end = named.at(-1) as Mistake;
  return [...named, { ...end, path: '', message: 'there are more than these', mend: 'mend them, and check again' }];
}
