/** Turns a spec into the options that the library takes. */
import type { DirectorOpenOptions } from '../director/open-options.js';
import type { VirtualServiceEdit } from '../director/service-options.js';
import type { RealServerOptions } from '../values/server-options.js';
import type { VirtualServiceKey } from '../values/service-key.js';
import { directorFields } from './schema/director.js';
import type { ServerSpec, ServiceSpec, Spec } from './spec.js';

/** The fields of a spec that only a restart can change. */
export const openFields = Object.keys(directorFields) as readonly (keyof typeof directorFields)[];

/** Nobody reads them in a log or a listing. */
export const secretFields: readonly string[] = ['hashSeed'];

/**
 * Returns what a spec says for `Director.open`.
 *
 * @example
 * ```ts
 * import { openOptionsOf } from 'tunvs/config';
 *
 * const options = openOptionsOf({ source: '10.2.0.2', maxConnections: 65536, services: [] });
 * console.log(options.maxConnections); // 65536
 * ```
 */
export function openOptionsOf(spec: Spec): DirectorOpenOptions {
  const given = openFields.flatMap((name) => (spec[name] === undefined ? [] : [[name, spec[name]]]));
  const { hashSeed } = spec;
  return {
    ...(Object.fromEntries(given) as Omit<DirectorOpenOptions, 'hashSeed'>),
    ...(hashSeed !== undefined && { hashSeed: BigInt(hashSeed) }),
  } as DirectorOpenOptions;
}

/** What names the service. */
export function serviceKeyOf({ protocol, address, port, lastPort, mark, family }: ServiceSpec): VirtualServiceKey {
  if (mark !== undefined) return { mark, ...(family !== undefined && { family }) };
  return { protocol, address, port, ...(lastPort !== undefined && { lastPort }) } as VirtualServiceKey;
}

/** The settings of a service; its policy is named by a module, and `policy` says which. */
export function serviceSettingsOf(service: ServiceSpec): VirtualServiceEdit {
  const { protocol, address, port, lastPort, mark, family, policy, servers, health, sorryServers, ...settings } =
    service;
  return settings;
}

/** The options of a real server that is named by its address. */
export function serverOptionsOf(server: ServerSpec & { address: string }): RealServerOptions {
  const { dns, refresh, max, health, ...options } = server;
  return options;
}
