/**
 * Rates from counters, in two kinds: the plain difference between two readings, and IPVS's estimate, which moves every
 * 2 s a quarter of the way towards the new rate, in fixed point; `ipvsadm -L --rate` shows the latter.
 *
 * Nothing here reads a clock.
 */
import { withJson } from '../values/json.js';
import { serviceName } from '../values/service-key.js';
import type { CounterName } from './counter-names.js';
import type { DirectorStats, RealServerStats, Traffic, VirtualServiceStats } from './stats.js';
import { sumTraffic, trafficNames, zeroTraffic } from './stats.js';

/** The counts of {@link Traffic} per second; `inBytes` and `outBytes` are bytes per second. */
export type Rates = Record<keyof Traffic, number>;

/** The rates of a director, a service or a real server. */
export interface Rated {
  /** The rates over the time since the sample before. */
  rates: Rates;
  /** The rates as IPVS estimates them: smoothed with a time constant of about 7 s, in whole numbers. */
  estimatedRates: Rates;
}

/** The statistics of a real server, with its rates. */
export type RatedRealServer = RealServerStats & Rated;

/** The statistics of a virtual service, with its rates. */
export type RatedVirtualService = Omit<VirtualServiceStats, 'servers'> &
  Rated & {
    /** The service's real servers, the newest first. */
    servers: RatedRealServer[];
  };

/** A sample that {@link Director.watch} yields. */
export interface DirectorSample extends Omit<DirectorStats, 'services'>, Rated {
  /** The milliseconds since the sample before, or since the watch began. */
  intervalMs: number;
  /** The rate of each of `counters`, per second. */
  counterRates: Record<CounterName, number>;
  /** The virtual services, with their rates. */
  services: RatedVirtualService[];
}

/** The time between two steps of IPVS's estimator. */
export const ESTIMATE_INTERVAL_MS = 2000;

// Fixed point: counts per second are kept times 2^10, bytes per second times 2^5. A step sees the increase of two
// seconds, so the increase enters with one bit less.
const COUNT_BITS = 10n;
const BYTE_BITS = 5n;
const fractionBits = (name: keyof Traffic) => (name === 'inBytes' || name === 'outBytes' ? BYTE_BITS : COUNT_BITS);

/** The estimator's averages in fixed point; they begin as `zeroTraffic()`. */
export type Estimate = Readonly<Traffic>;

/** Returns the estimate after two more seconds in which this was counted. */
export function stepEstimate(estimate: Estimate, increased: Traffic): Estimate {
  const next = zeroTraffic();
  for (const name of trafficNames) {
    const rate = increased[name] << (fractionBits(name) - 1n);
    // The shift rounds towards minus infinity, so the average of an idle object reaches 0.
    next[name] = estimate[name] + ((rate - estimate[name]) >> 2n);
  }
  return next;
}

/** Returns the estimate as ipvsadm shows it: per second, rounded to the nearest whole number, a half down. */
export function readEstimate(estimate: Estimate): Rates {
  return mapTraffic((name) => {
    const bits = fractionBits(name);
    return Number((estimate[name] + (1n << (bits - 1n)) - 1n) >> bits);
  });
}

/** Returns what was counted in between. A counter that fell was zeroed, so it counts from 0. */
export function increase(before: Traffic, now: Traffic): Traffic {
  const difference = zeroTraffic();
  for (const name of trafficNames) difference[name] = risen(before[name], now[name]);
  return difference;
}

function risen(before: bigint, now: bigint): bigint {
  return now < before ? now : now - before;
}

/** Per second. */
export function plainRates(increased: Traffic, intervalMs: number): Rates {
  return mapTraffic((name) => perSecond(increased[name], intervalMs));
}

function perSecond(count: bigint, intervalMs: number): number {
  return intervalMs > 0 ? (Number(count) * 1000) / intervalMs : 0;
}

interface Tracked {
  /** The reading of the sample before. */
  sampled: Traffic;
  /** The reading of the estimator's step before. */
  stepped: Traffic;
  estimate: Estimate;
}

/**
 * Turns successive readings of one director into samples with rates.
 *
 * What an object had counted when the meter first saw it is not a rate: a real server that comes back brings its old
 * counters. The director's own rates are the sums of its services', so removing a service does not look like a fall.
 */
export class RateMeter {
  #objects = new Map<string, Tracked>();
  #totalEstimate: Estimate = zeroTraffic();
  #counters: DirectorStats['counters'];
  #sampledAtMs: number;

  /** Here and below, `atMs` is on one steady clock, not that of `stats.atMs`. */
  constructor(stats: DirectorStats, atMs: number) {
    this.#counters = stats.counters;
    this.#sampledAtMs = atMs;
    for (const [key, totals] of namedTotals(stats.services)) this.#objects.set(key, track(totals));
  }

  /** REQUIRES: called every `ESTIMATE_INTERVAL_MS`. */
  step(stats: DirectorStats): void {
    const objects = new Map<string, Tracked>();
    for (const [key, totals] of namedTotals(stats.services)) {
      const tracked = this.#objects.get(key) ?? track(totals);
      const wasZeroed = trafficNames.some((name) => totals[name] < tracked.stepped[name]);
      const estimate = wasZeroed ? zeroTraffic() : stepEstimate(tracked.estimate, increase(tracked.stepped, totals));
      objects.set(key, { sampled: tracked.sampled, stepped: totals, estimate });
    }
    const increases = stats.services.map((service) =>
      increase(this.#objects.get(serviceName(service))?.stepped ?? service.totals, service.totals),
    );
    this.#totalEstimate = stepEstimate(this.#totalEstimate, sumTraffic(increases));
    this.#objects = objects;
  }

  sample(stats: DirectorStats, atMs: number): DirectorSample {
    const intervalMs = atMs - this.#sampledAtMs;
    const increases: Traffic[] = [];
    const services = stats.services.map((service) => {
      const { increased, rated } = this.#rate(serviceName(service), service.totals, intervalMs);
      increases.push(increased);
      const servers = service.servers.map((server) =>
        withJson({ ...server, ...this.#rate(serverName(service, server), server.totals, intervalMs).rated }),
      );
      return { ...service, ...rated, servers };
    });
    const counterRates = {} as Record<CounterName, number>;
    for (const name of Object.keys(stats.counters) as CounterName[]) {
      counterRates[name] = perSecond(risen(this.#counters[name] ?? 0n, stats.counters[name]), intervalMs);
    }
    this.#counters = stats.counters;
    this.#sampledAtMs = atMs;
    const rates = plainRates(sumTraffic(increases), intervalMs);
    const estimatedRates = readEstimate(this.#totalEstimate);
    return { ...stats, rates, estimatedRates, intervalMs, counterRates, services };
  }

  #rate(key: string, totals: Traffic, intervalMs: number): { increased: Traffic; rated: Rated } {
    const tracked = this.#objects.get(key) ?? track(totals);
    const increased = increase(tracked.sampled, totals);
    this.#objects.set(key, { ...tracked, sampled: totals });
    const rated = { rates: plainRates(increased, intervalMs), estimatedRates: readEstimate(tracked.estimate) };
    return { increased, rated };
  }
}

const serverName = (service: VirtualServiceStats, { address, port }: RealServerStats) =>
  `${serviceName(service)} ${address} ${port}`;

function* namedTotals(services: VirtualServiceStats[]): Generator<[string, Traffic]> {
  for (const service of services) {
    yield [serviceName(service), service.totals];
    for (const server of service.servers) yield [serverName(service, server), server.totals];
  }
}

function track(totals: Traffic): Tracked {
  return { sampled: totals, stepped: totals, estimate: zeroTraffic() };
}

function mapTraffic(rate: (name: keyof Traffic) => number): Rates {
  return {
    connections: rate('connections'),
    inPackets: rate('inPackets'),
    inBytes: rate('inBytes'),
    outPackets: rate('outPackets'),
    outBytes: rate('outBytes'),
  };
}
