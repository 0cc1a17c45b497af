/** Nothing fails silently: whoever drops an error says in a comment why that is right. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';

const ROOT = new URL('../../../', import.meta.url);

/** Returns the sources below a folder, relative to the root. */
function sources(folder: string, ending: RegExp): string[] {
  return readdirSync(new URL(folder, ROOT), { recursive: true, encoding: 'utf8' })
    .map((name) => `${folder}/${name}`)
    .filter((name) => ending.test(name) && !/_test\.cc$|_fuzz\.cc$/.test(name));
}

/**
 * Returns the matching lines of a file without a comment on the line, above it, or on the line after it where
 * `isBlock`.
 */
function unexplained(file: string, pattern: RegExp): string[] {
  const lines = readFileSync(new URL(file, ROOT), 'utf8').split('\n');
  const hasComment = (line: string | undefined) => /(^|\s)(\/\/|\*|\/\*\*) ?\S/.test(line ?? '');
  return lines.flatMap((line, at) => {
    if (!pattern.test(line)) return [];
    return [line, lines[at - 1], lines[at + 1]].some(hasComment) ? [] : [`${file}:${at + 1}: ${line.trim()}`];
  });
}

describe('an error that is dropped', () => {
  it('in TypeScript has a comment that says why', () => {
    // The patterns are a catch without a name for the error, and a rejection that becomes nothing.
    const dropped = /\} catch \{|\.catch\(\(\) => (\{\}|undefined|null|false)\)/;
    const found = sources('lib', /\.ts$/).flatMap((file) => unexplained(file, dropped));
    assert.deepEqual(found, []);
  });

  it('in C++ has a comment that says why', () => {
    const dropped = /\[\[maybe_unused\]\]|static_cast<void>\(\w+\(|\(void\)\w+\(/;
    const folders = [
      'core',
      'packet',
      'table',
      'scheduler',
      'forward',
      'director',
      'io',
      'engine',
      'realserver',
      'binding',
    ];
    const found = folders.flatMap((folder) =>
      sources(`native/${folder}`, /\.(cc|h)$/).flatMap((file) => unexplained(file, dropped)),
    );
    assert.deepEqual(found, []);
  });
});
