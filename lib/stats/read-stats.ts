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
    counters: withJson(namedCounts(counters)),
    table: engine.tableInfo(),
    totals: sumTraffic(services.map((service) => service.totals)),
    services,
  };
}

function namedCounts(counts: BigUint64Array): DirectorStats['counters'] {
  const named = native.counters.map((name, index) => [name, counts[index] ?? 0n]);
  return Object.fromEntries(named) as DirectorStats['counters'];
}
