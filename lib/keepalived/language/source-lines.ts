/** Reads keepalived's files line by line, with the files that they include. */
import { basename, dirname, resolve } from 'node:path';
import { type ConfigFiles, whyUnread } from '../../config/read/files.js';
import { withoutComment } from './comment.js';
import { globbed, hasWildcard } from './glob.js';
import { type Place, type Said, shown } from './place.js';

export interface SourceLine extends Place {
  /** Without its comment, and without blanks around it. */
  text: string;
}

const MAX_BYTES = 64 * 2 ** 20;
const MOST_DEPTH = 32;
const MOST_FILES = 20_000;

const decoder = new TextDecoder('utf-8', { fatal: true });

interface Reading {
  files: ConfigFiles;
  said: Said;
  /** All files that were read, the first one first, each once. */
  read: Set<string>;
  count: number;
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
  const reading: Reading = { files, said, read: new Set([path]), count: 1 };
  const place = { file: path, line: 1 };
  return { lines: linesOf(given, place, [identityOf(path, files)], reading), read: reading.read };
}

function* linesOf(
  given: string | Uint8Array,
  { file }: Place,
  inside: readonly string[],
  reading: Reading,
): Iterable<SourceLine> {
  const text = textOf(given, file, reading.said);
  let line = 0;
  for (const written of text.split(/\r\n|\n|\r/)) {
    line++;
    const code = withoutComment(written);
    const include = /^include([rmwba]?)[ \t]+(\S.*)$/.exec(code);
    const place = { file, line };
    if (include !== null) yield* included(include[2] as string, include[1] as string, place, inside, reading);
    else if (code !== '') yield { text: code, ...place };
    // An empty line ends a definition.
    else yield { text: '', ...place };
  }
}

function textOf(given: string | Uint8Array, file: string, said: Said): string {
  const place = { file, line: 1 };
  if (given.length > MAX_BYTES) {
    said.mistake(place, 'the file is larger than 64 MiB', 'divide it by includes');
    return '';
  }
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
  let paths: string[];
  try {
    paths = globbed(pattern, dirname(resolve(place.file)), files);
  } catch (error) {
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
      if ((error as NodeJS.ErrnoException).code === undefined) throw error;
      say(
        variant === 'r' || variant === 'a',
        `${shown(basename(path))}: ${whyUnread(error)}`,
        'name a file that can be read',
      );
    }
  }
}

function identityOf(path: string, files: ConfigFiles): string {
  try {
    return files.identity(path);
  } catch {
    // Standard input, or a text that lies in no file, can be included by nobody.
    return path;
  }
}
