/**
 * Reads a configuration on a thread of its own, so that a running director's JavaScript goes on meanwhile. What it reads
 * comes in parts, one in a turn of the event loop, because a large spec takes long to copy.
 */
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import type { ParsedConfig, RefusedConfig } from './parse-config.js';
import type { ConfigParts } from './read/parts.js';
import type { Origin, ServiceSpec } from './spec.js';

/** The origins of so many values, in columns. */
export interface OriginPart {
  paths: string[];
  /** Positions in the list of files. */
  files: number[];
  lines: number[];
  columns: number[];
}

export type AsidePart =
  | { services: ServiceSpec[] }
  | { origins: OriginPart }
  | { whole: ParsedConfig | RefusedConfig; originFiles: string[] };

/** Whatever is shorter is read at once: a thread takes longer to begin. */
const SHORT_BYTES = 8 * 1024;

export interface ParseAsideOptions {
  /** The file that the bytes are from. */
  path: string;
  /** The length of the files that it includes, as far as it is known. */
  includedBytes?: number;
  /** As parseConfig() has it. */
  fullNat?: { sources: string[] };
  /** As parseConfig() has it. */
  parts?: ConfigParts;
}

/** As parseConfig() of the files on the disk. */
export async function parseConfigAside(
  bytes: Uint8Array,
  { includedBytes = 0, ...options }: ParseAsideOptions,
): Promise<ParsedConfig | RefusedConfig> {
  if (bytes.length + includedBytes <= SHORT_BYTES) {
    const { parseConfig } = await import('./parse-config.js');
    return parseConfig(bytes, options);
  }
  const worker = new Worker(new URL('./parse-worker.js', import.meta.url), {
    workerData: { bytes, options },
    // What the parent was started with, such as --input-type, may be wrong for a file.
    execArgv: [],
  });
  try {
    const services: ServiceSpec[] = [];
    const origins: OriginPart[] = [];
    for (;;) {
      const [part] = (await once(worker, 'message')) as [AsidePart];
      if ('whole' in part) return assembled(part.whole, services, await originsOf(origins, part.originFiles));
      if ('services' in part) services.push(...part.services);
      else origins.push(part.origins);
      worker.postMessage('next');
    }
  } finally {
    await worker.terminate();
  }
}

function assembled(
  whole: ParsedConfig | RefusedConfig,
  services: ServiceSpec[],
  origins: Map<string, Origin>,
): ParsedConfig | RefusedConfig {
  if ('mistakes' in whole) return whole;
  return { ...whole, spec: { ...whole.spec, ...(services.length > 0 && { services }) }, origins };
}

async function originsOf(parts: readonly OriginPart[], names: readonly string[]): Promise<Map<string, Origin>> {
  const origins = new Map<string, Origin>();
  for (const { paths, files, lines, columns } of parts) {
    for (const [index, path] of paths.entries())
      origins.set(path, {
        file: names[files[index] as number] as string,
        line: lines[index] as number,
        column: columns[index] as number,
      });
    await new Promise((next) => setImmediate(next));
  }
  return origins;
}
