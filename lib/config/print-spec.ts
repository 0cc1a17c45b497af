/** Writes a spec as a configuration file, and says where each of its values comes from. */
import { Document, isMap, isSeq, type Node } from 'yaml';
import { formatEndpoint } from '../values/inet.js';
import { printable } from '../values/printable.js';
import { formatVirtualEndpoint, serverPortOf, type ServiceIdentity } from '../values/service-key.js';
import { isSecretOfHealth } from './check-options.js';
import { secretFields } from './library-options.js';
import { formatPath, type Path } from './mistake.js';
import { asWritten } from './written.js';
import type { Origins, ServerSpec, ServiceSpec, Spec } from './spec.js';

const EDITORS = ' yaml-language-server: $schema=https://unpkg.com/tunvs/schema/tunvs.schema.json';

/** Writes YAML that parseConfig() reads as the same spec. `comments` are put before services and servers, by path. */
export function printConfig(spec: Partial<Spec>, comments: ReadonlyMap<string, string> = new Map()): string {
  const { services, health, ...others } = withoutGaps(spec) as Partial<Spec>;
  const document = new Document({
    ...others,
    ...(others.etcd && { etcd: asWritten(others.etcd, ['etcd']) }),
    ...(health && { health: asWritten(health, ['health']) }),
    ...(services && { services: services.map(shortService) }),
  });
  document.commentBefore = EDITORS;
  const list = document.get('services');
  if (isSeq(list)) {
    for (const [index, service] of list.items.entries()) {
      comment(service as Node, comments.get(formatPath(['services', index])));
      const servers = isMap(service) ? service.get('servers') : undefined;
      if (!isSeq(servers)) continue;
      for (const [at, server] of servers.items.entries()) {
        if (isMap(server)) server.flow = true;
        comment(server as Node, comments.get(formatPath(['services', index, 'servers', at])));
      }
    }
  }
  return document.toString({ lineWidth: 0, flowCollectionPadding: true });
}

function comment(node: Node, text: string | undefined): void {
  if (text !== undefined) node.commentBefore = text;
}

function withoutGaps(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutGaps);
  if (typeof value !== 'object' || value === null) return value;
  const given = Object.entries(value).filter(([, each]) => each !== undefined);
  return Object.fromEntries(given.map(([name, each]) => [name, withoutGaps(each)]));
}

function shortService(service: ServiceSpec): object {
  const { protocol, address, port, lastPort, health, servers, sorryServers, ...settings } = service;
  const isNamed = protocol !== undefined && address !== undefined && port !== undefined;
  const listen = isNamed && { listen: `${protocol} ${formatVirtualEndpoint({ address, port, lastPort })}` };
  const list = servers?.map((server) => shortServer(server, service));
  const sorry = sorryServers?.map((server) => shortServer(server, service));
  return {
    ...listen,
    ...settings,
    ...(health !== undefined && { health: asWritten(health, ['services', 0, 'health']) }),
    ...(list && { servers: list }),
    ...(sorry && { sorryServers: sorry }),
  };
}

function shortServer(server: ServerSpec, { port = 0, lastPort }: ServiceSpec): object | string {
  const { address, port: own, refresh, ...others } = server;
  if (address !== undefined && Object.keys(others).length === 0) {
    const isSame = own === undefined || own === serverPortOf({ port, lastPort } as ServiceIdentity);
    return isSame ? address : formatEndpoint({ address, port: own });
  }
  const { dns, health, ...rest } = others;
  return {
    ...(address !== undefined && { address }),
    ...(dns !== undefined && { dns }),
    ...(own !== undefined && { port: own }),
    ...(refresh !== undefined && { refresh: `${refresh}ms` }),
    ...rest,
    ...(health !== undefined && { health: asWritten(health, ['services', 0, 'servers', 0, 'health']) }),
  };
}

/** Who knows the seed can flood one slot of the table. */
const HIDDEN = '(secret)';

/** A value that is in force, and where it comes from. */
export interface ShownValue {
  /** Where it stands in the spec, as in `services[0].port`. */
  path: string;
  /** The value itself. Quantities are in the units of their names. */
  value: string | number | boolean;
  /** The file that says it; nobody has written a value without one. */
  file?: string;
  /** The line in that file; the first is 1. */
  line?: number;
  /** The column in that line; the first is 1. */
  column?: number;
}

/**
 * Returns each value of a spec with its origin; one without an origin was written by nobody. `tunvs config show` prints
 * them of a director whose control server returns them.
 *
 * @example
 * ```ts
 * import { parseConfig, shownValues } from 'tunvs/config';
 *
 * const parsed = parseConfig('source: 10.2.0.2', { path: 'web.yaml' });
 * if ('mistakes' in parsed) throw new Error(parsed.mistakes[0]?.message);
 * const source = shownValues(parsed.spec, parsed.origins).find(({ path }) => path === 'source');
 * console.log(`${source?.value} of ${source?.file}:${source?.line}`); // 10.2.0.2 of web.yaml:1
 * ```
 */
export function shownValues(spec: Partial<Spec>, origins: Origins = new Map()): ShownValue[] {
  const shown: ShownValue[] = [];
  const walk = (value: unknown, path: Path) => {
    if (value === undefined || value === null) return;
    if (Array.isArray(value)) {
      for (const [index, each] of value.entries()) walk(each, [...path, index]);
    } else if (typeof value === 'object') {
      for (const [name, each] of Object.entries(value)) walk(each, [...path, name]);
    } else {
      const name = formatPath(path);
      const said = isSecret(path, name) ? HIDDEN : shownValue(value, path);
      shown.push({ path: name, value: said, ...(origins.get(name) ?? {}) });
    }
  };
  walk(spec, []);
  return shown;
}

function shownValue(value: unknown, path: Path): ShownValue['value'] {
  return (path.includes('health') || path[0] === 'etcd' ? asWritten(value, path) : value) as ShownValue['value'];
}

/** The options of checks and webhooks may hold what lets others in. */
function isSecret(path: Path, name: string): boolean {
  return secretFields.includes(name) || isSecretOfHealth(path);
}

/** Writes a line for each value: `services[0].port: 80  # web.yaml:3`. */
export function showValues(values: readonly ShownValue[]): string {
  return values
    .map(({ path, value, file, line }) => {
      const origin = file === undefined ? '' : `  # ${file}:${line}`;
      return printable(`${path}: ${typeof value === 'string' ? JSON.stringify(value) : value}${origin}`);
    })
    .map((line) => `${line}\n`)
    .join('');
}
