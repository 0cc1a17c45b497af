/** Reads what an engine has counted. */
import { native } from '../native/addon.js';
import type { NativeDirector } from '../native/director.js';
import { withJson } from '../values/json.js';
import { type DirectorStats, serviceStats, sumTraffic } from './stats.js';

type Counting = Pick<NativeDirector, 'readCounters' | 'services' | 'tableInfo'>;

export function readStats(engine: Counting, atMs: number): Omit<DirectorStats, 'host'> {
  const counters = new BigUint64Array(native.counters.length);
  engine.readCounters(counters);
  const services = engine.services().map(serviceStats);
  return {
    atMs,
    counters: withJson(Object.fromEntries(native.counters.map((name, index) => [name, counters[index] ?? 0n]))),
    table: engine.tableInfo(),
    totals: sumTraffic(services.map((service) => service.totals)),
    services,
  };
}
