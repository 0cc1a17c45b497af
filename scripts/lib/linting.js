/** The commands of the formatters and linters of both languages, and of the check of what uses what. */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './run.js';

function nativeFiles() {
  return readdirSync(join(root, 'native'), { recursive: true })
    .filter((path) => /\.(?:cc|h)$/.test(path))
    .map((path) => join('native', path));
}

export const linters = {
  biome: ({ write }) => [
    process.execPath,
    [join(root, 'node_modules', '@biomejs', 'biome', 'bin', 'biome'), 'check', ...(write ? ['--write'] : []), '.'],
  ],
  arrows: ({ write }) => [process.execPath, [join(root, 'scripts', 'arrows.js'), ...(write ? ['--write'] : [])]],
  'clang-format': ({ write }) => ['clang-format', [...(write ? ['-i'] : ['--dry-run', '-Werror']), ...nativeFiles()]],
};
