/** The thread of parseConfigAside(): reads a configuration, and sends each part when the one before has arrived. */
import { once } from 'node:events';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import type { AsidePart, OriginPart } from './parse-aside.js';
import { type ParsedConfig, parseConfig, type ParseConfigOptions, type RefusedConfig } from './parse-config.js';
import type { Origin, ServiceSpec } from './spec.js';

/** So many servers are copied in a few milliseconds. */
const SERVERS_A_PART = 2_000;
const ORIGINS_A_PART = 10_000;

function* partsOf(found: ParsedConfig | RefusedConfig): Generator<AsidePart> {
  if ('mistakes' in found) {
    yield { whole: found, originFiles: [] };
    return;
  }
  const { services = [], ...others } = found.spec;
  for (const part of servicesInParts(services)) yield { services: part };
  const files = new Map<string, number>();
  for (const part of originsInParts(found.origins, files)) yield { origins: part };
  yield { whole: { ...found, spec: others, origins: new Map() }, originFiles: [...files.keys()] };
}

function* servicesInParts(services: readonly ServiceSpec[]): Generator<ServiceSpec[]> {
  let part: ServiceSpec[] = [];
  let count = 0;
  for (const service of services) {
    part.push(service);
    count += 1 + (service.servers?.length ?? 0);
    if (count < SERVERS_A_PART) continue;
    yield part;
    [part, count] = [[], 0];
  }
  if (part.length > 0) yield part;
}

function* originsInParts(origins: ReadonlyMap<string, Origin>, known: Map<string, number>): Generator<OriginPart> {
  let part: OriginPart = { paths: [], files: [], lines: [], columns: [] };
  for (const [path, { file, line, column }] of origins) {
    if (!known.has(file)) known.set(file, known.size);
    part.paths.push(path);
    part.files.push(known.get(file) as number);
    part.lines.push(line);
    part.columns.push(column);
    if (part.paths.length < ORIGINS_A_PART) continue;
    yield part;
    part = { paths: [], files: [], lines: [], columns: [] };
  }
  if (part.paths.length > 0) yield part;
}

async function answer(parent: MessagePort): Promise<void> {
  const { bytes, options } = workerData as { bytes: Uint8Array; options: ParseConfigOptions };
  for (const part of partsOf(parseConfig(bytes, options))) {
    parent.postMessage(part);
    await once(parent, 'message');
  }
}

void answer(parentPort as MessagePort);
