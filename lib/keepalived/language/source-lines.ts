/** Reads keepalived's files line by line, with the files that they include. */
import { basename, dirname, resolve } from 'node:path';
import { type ConfigFiles, whyUnread } from '../../config/read/files.js';
import { withoutComment } from './comment.js';
import { LONGEST_LINE } from './definitions.js';
import { globbed, hasWildcard } from './glob.js';
import { NotReadOn, type Place, type Said, shown } from './place.js';

export interface SourceLine extends Place {
  /** Without its comment, and without blanks around it. */
  text: string;
}

/** Bytes and lines of all files, each as often as it is included. */
const MAX_BYTES = 4 * 2 ** 20;
const MOST_LINES = 500_000;
const MOST_DEPTH = 32;
const MOST_FILES = 2000;
/** Lines that include files, and the names and paths that are looked at for all of their patterns. */
const MOST_INCLUDES = 4000;
const MOST_LOOKED_AT = 50_000;

const decoder = new TextDecoder('utf-8', { fatal: true });

interface Reading {
  files: ConfigFiles;
  said: Said;
  /** All files that were read, the first one first, each once. */
  read: Set<string>;
  count: number;
  bytes: number;
  lines: number;
  includes: number;
  lookedAt: number;
}

export interface SourceFiles {
  lines: Iterable<SourceLine>;
  /** Grows while the lines are read. */
  read: ReadonlySet<string>;
}

/** The lines are read as they are asked for. What cannot be read is said, and the rest goes on. */
export function sourceLines(
  given: string | Uint8Array,
  path: string,
  { files, said }: { files: ConfigFiles; said: Said },
): SourceFiles {
  const reading: Reading = {
    files,
    said,
    read: new Set([path]),
    count: 1,
    bytes: 0,
    lines: 0,
    includes: 0,
    lookedAt: 0,
  };
  const place = { file: path, line: 1 };
  return { lines: linesOf(given, place, [identityOf(path, files)], reading), read: reading.read };
}

function* linesOf(
  given: string | Uint8Array,
  { file }: Place,
  inside: readonly string[],
  reading: Reading,
): Iterable<SourceLine> {
  const text = textOf(given, file, reading);
  let line = 0;
  let isEmpty = false;
  for (const written of text.split(/\r\n|\n|\r/)) {
    line++;
    if (++reading.lines > MOST_LINES)
      reading.said.stop({ file, line }, `the files have more than ${MOST_LINES} lines`, 'remove what is not needed');
    if (written.length > LONGEST_LINE)
      reading.said.stop({ file, line }, `the line is longer than ${LONGEST_LINE} characters`, 'divide it');
    const code = withoutComment(written);
    const include = /^include([rmwba]?)[ \t]+(\S.*)$/.exec(code);
    const place = { file, line };
    if (include !== null) yield* included(include[2] as string, include[1] as string, place, inside, reading);
    else if (code !== '') yield { text: code, ...place };
    // An empty line ends a definition; one that follows it ends nothing.
    else if (!isEmpty) yield { text: '', ...place };
    isEmpty = code === '' && include === null;
  }
}

function textOf(given: string | Uint8Array, file: string, reading: Reading): string {
  const { said } = reading;
  const place = { file, line: 1 };
  reading.bytes += given.length;
  if (reading.bytes > MAX_BYTES)
    said.stop(place, 'the files are larger than 4 MiB together', 'remove what is not needed, comments too');
  try {
    const text = typeof given === 'string' ? given.replace(/^\uFEFF/, '') : decoder.decode(given);
    const at = text.indexOf('\0');
    if (at < 0) return text;
    said.mistake({ file, line: text.slice(0, at).split('\n').length }, 'a zero byte stands here', 'remove it');
  } catch {
    // The decoder says no more than that.
    said.mistake(place, 'the file is not text in UTF-8', "name keepalived's configuration, saved as UTF-8");
  }
  return '';
}

function* included(
  pattern: string,
  variant: string,
  place: Place,
  inside: readonly string[],
  reading: Reading,
): Iterable<SourceLine> {
  const { files, said } = reading;
  // `include` alone goes on where nothing can be read, as keepalived does.
  const say = (isStrict: boolean, message: string, mend: string) =>
    isStrict ? said.mistake(place, message, mend) : said.warning(place, message, mend);
  if (++reading.includes > MOST_INCLUDES)
    said.stop(place, `more than ${MOST_INCLUDES} lines include files`, 'include them by a pattern');
  let paths: string[];
  try {
    paths = globbed(pattern, dirname(resolve(place.file)), countedFiles(reading, place));
  } catch (error) {
    if (error instanceof NotReadOn) throw error;
    return say(variant !== '', `${shown(pattern)}: ${whyUnread(error)}`, 'name files that can be read');
  }
  const isPattern = hasWildcard(pattern) || pattern.includes('{');
  if (paths.length === 0)
    say(
      variant !== '' && variant !== 'r',
      `${shown(pattern)} includes nothing`,
      isPattern ? 'put files there, or leave it out' : 'name a file that is there',
    );
  for (const path of paths) {
    const isFile = files.kind(path) === 'file';
    if (!isFile && isPattern && variant === '') continue;
    try {
      const identity = identityOf(path, files);
      if (inside.includes(identity)) {
        said.mistake(place, `${shown(path)} includes itself`, 'include files in no circle');
        continue;
      }
      if (inside.length >= MOST_DEPTH || reading.count >= MOST_FILES) {
        const bound = inside.length >= MOST_DEPTH ? `${MOST_DEPTH} files deep` : `${MOST_FILES} files`;
        return said.mistake(place, `more than ${bound} are included`, 'put files together');
      }
      const bytes = files.read(path);
      reading.count++;
      reading.read.add(path);
      // keepalived goes to the folder of a file, and reads what it includes from there.
      yield* linesOf(bytes, { file: path, line: 1 }, [...inside, identity], reading);
    } catch (error) {
      if (error instanceof NotReadOn) throw error;
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      say(
        variant === 'r' || variant === 'a',
        `${shown(basename(path))}: ${whyUnread(error)}`,
        'name a file that can be read',
      );
    }
  }
}

/** Ends reading where the patterns of all includes look at too much. */
function countedFiles(reading: Reading, place: Place): ConfigFiles {
  const { files, said } = reading;
  const count = (more: number) => {
    reading.lookedAt += more;
    if (reading.lookedAt > MOST_LOOKED_AT)
      said.stop(place, `includes look at more than ${MOST_LOOKED_AT} names of files`, 'write narrower patterns');
  };
  return {
    identity: (path) => files.identity(path),
    read: (path) => files.read(path),
    kind: (path) => {
      count(1);
      return files.kind(path);
    },
    list: (path) => {
      const names = files.list(path);
      count(names.length);
      return names;
    },
  };
}

function identityOf(path: string, files: ConfigFiles): string {
  try {
    return files.identity(path);
  } catch {
    // Standard input, or a text that lies in no file, can be included by nobody.
    return path;
  }
}
