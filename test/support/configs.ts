/** Configurations in memory, for tests. */
import { basename, dirname } from 'node:path';
import { mistakeSentence } from '../../lib/config/mistake.js';
import { parseConfig, type ParsedConfig, type RefusedConfig } from '../../lib/config/parse-config.js';
import type { ConfigFiles } from '../../lib/config/read/files.js';

/** `/etc/tunvs/web.yaml` is the first file. */
export const CONFIG_PATH = '/etc/tunvs/web.yaml';

export function memoryFiles(files: Readonly<Record<string, string>>): ConfigFiles {
  const isFolder = (path: string) => Object.keys(files).some((file) => file.startsWith(`${path}/`));
  return {
    read(path) {
      const text = files[path];
      if (text === undefined) throw Object.assign(new Error(path), { code: 'ENOENT' });
      return text;
    },
    list: (folder) =>
      Object.keys(files)
        .filter((file) => dirname(file) === folder)
        .map((file) => basename(file)),
    kind: (path) => (files[path] !== undefined ? 'file' : isFolder(path) ? 'folder' : undefined),
    identity: (path) => path,
  };
}

export function parse(
  text: string | Uint8Array,
  files: Readonly<Record<string, string>> = {},
  environment: Record<string, string> = {},
): ParsedConfig | RefusedConfig {
  return parseConfig(text, { path: CONFIG_PATH, files: memoryFiles(files), environment });
}

/** Throws the mistakes, if there are any. */
export function parsed(...given: Parameters<typeof parse>): ParsedConfig {
  const config = parse(...given);
  if ('mistakes' in config) throw new Error(config.mistakes.map(mistakeSentence).join('\n'));
  return config;
}

/** Returns the mistakes as `LINE:COLUMN: ...`, with the file where it is an included one. */
export function mistakesOf(...given: Parameters<typeof parse>): string[] {
  const config = parse(...given);
  if (!('mistakes' in config)) return [];
  return config.mistakes.map((mistake) => mistakeSentence(mistake).replace(`${CONFIG_PATH}:`, ''));
}
