/**
 * Brings the health that a configuration wants to a monitor. What the configuration did not change is left alone, so that
 * what is known of its servers stays.
 */
import type { Director } from '../../director/director.js';
import type { RealServer, VirtualService } from '../../director/virtual-service.js';
import type { HealthOptions, ServerHealthOptions } from '../../health/options.js';
import { serverName } from '../../values/server-options.js';
import { checkedServiceKey, serviceName } from '../../values/service-key.js';
import type { WantedHealth, WantedServerHealth } from '../health-of.js';
import { healthOptionsOf, type ModuleCheckOf, serverHealthOptionsOf } from '../health-options.js';
import type { CheckSet } from './check-modules.js';
import type { HealthSpec } from '../spec.js';
import { checkModulesOf, type Desired, type DesiredService } from './desired.js';

/** As much of a monitor as a configuration uses. */
export interface HealthWatcher {
  /** Checks the service's servers from now on; of one that is watched already it changes what differs. */
  watch(service: VirtualService, options: HealthOptions): void;
  unwatch(service: VirtualService): void;
}

/** Where each server of a service comes from: the path of the configuration by the server's name. */
export type ServerPlaces = ReadonlyMap<string, string>;

type ServerHealth = ServerHealthOptions | false;

interface Watched {
  handle: VirtualService;
  key: string;
  /** By the servers' names; DNS changes it. */
  servers: Map<string, ServerHealth>;
}

export interface HealthChange {
  desired: Desired;
  checks: CheckSet;
  /** By the services' names. */
  places: ReadonlyMap<string, ServerPlaces>;
}

export type MakeWatcher = (health: HealthSpec) => HealthWatcher | undefined;

export class HealthSession {
  readonly #director: Director;
  readonly #make: MakeWatcher;
  readonly #warn: (sentence: string) => void;
  #watcher: HealthWatcher | undefined;
  #watched = new Map<string, Watched>();

  /**
   * `make` is called once, when a service is to be checked; it returns undefined where nobody checks. `warn` is told of a
   * service that cannot be checked: by then the configuration is in force.
   */
  constructor(director: Director, make: MakeWatcher, warn: (sentence: string) => void) {
    this.#director = director;
    this.#make = make;
    this.#warn = warn;
  }

  /** Says which servers are which before they are added, so that each begins as it is wanted. */
  place({ desired, checks, places }: HealthChange): void {
    for (const service of desired.services) {
      const name = nameOf(service);
      const watched = this.#watched.get(name);
      if (watched && service.health)
        replace(watched.servers, serversOf(service, service.health, places.get(name), checks));
    }
  }

  /** REQUIRES: the services are in force. With `reset`, also what somebody else changed at the monitor is as it was. */
  apply({ desired, checks, places }: HealthChange, { reset = false } = {}): void {
    const wanted = new Map(desired.services.flatMap((service) => (service.health ? [[nameOf(service), service]] : [])));
    for (const [name, { handle }] of this.#watched) {
      const now = this.#director.virtualService(handle);
      if (wanted.has(name) && now === handle) continue;
      if (now === handle) this.#watcher?.unwatch(handle);
      this.#watched.delete(name);
    }
    for (const [name, service] of wanted) {
      const handle = this.#director.virtualService(checkedServiceKey('service', service.key));
      const watcher = this.#watcher ?? this.#make(desired.health ?? {});
      if (handle === undefined || watcher === undefined) continue;
      this.#watcher = watcher;
      const health = service.health as WantedHealth;
      const key = keyOf(service, checks);
      const before = this.#watched.get(name);
      if (before?.key === key && !reset) continue;
      const servers = new Map(serversOf(service, health, places.get(name), checks));
      const forServer = (server: RealServer) => servers.get(serverName(server));
      try {
        watcher.watch(handle, { ...healthOptionsOf(health, checkOf(checks)), forServer });
        this.#watched.set(name, { handle, key, servers });
      } catch (error) {
        this.#warn(`service ${name} is not checked: ${(error as Error).message}`);
      }
    }
  }
}

const nameOf = ({ key }: DesiredService) => serviceName(checkedServiceKey('service', key));

/** REQUIRES: all modules of the configuration are loaded. */
const checkOf =
  (checks: CheckSet): ModuleCheckOf =>
  (file) =>
    (checks.get(file) as NonNullable<ReturnType<CheckSet['get']>>).check;

function serversOf(
  service: DesiredService,
  health: WantedHealth,
  places: ServerPlaces = new Map(),
  checks: CheckSet,
): [string, ServerHealth][] {
  const byPath = new Map(service.servers.flatMap((server) => entryOf(server, health, checks)));
  if (byPath.size === 0) return [];
  return [...places].flatMap(([name, path]) => {
    const found = byPath.get(path);
    return found === undefined ? [] : [[name, found]];
  });
}

function entryOf(
  { path, health }: { path: string; health?: WantedServerHealth | false },
  service: WantedHealth,
  checks: CheckSet,
): [string, ServerHealth][] {
  if (health === undefined) return [];
  return [[path, health === false ? false : serverHealthOptionsOf(health, service, checkOf(checks))]];
}

/** Two services with the same key are checked in the same way. A module that was imported again is another one. */
function keyOf(service: DesiredService, checks: CheckSet): string {
  const { health, servers } = service;
  const own = servers.flatMap((server) => {
    if (server.health === undefined) return [];
    return [['dns' in server ? server.dns : `${server.options.address} ${server.options.port}`, server.health]];
  });
  const modules = checkModulesOf({ services: [service] }).map(({ file }) => checks.get(file)?.hash);
  return JSON.stringify([health, own, modules]);
}

function replace<Key, Value>(map: Map<Key, Value>, entries: Iterable<[Key, Value]>): void {
  map.clear();
  for (const [key, value] of entries) map.set(key, value);
}
