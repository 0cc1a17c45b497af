/** Lends a director's metrics to a registry of prom-client, which asks for them whenever it is scraped. */
import { booleanOption, checkedOptions, refuse } from '../values/options.js';
import type { HealthView } from '../health/view.js';
import { serverHealthMetrics } from './health-metrics.js';
import type { Labels } from './label-set.js';
import type { Metric } from './metric.js';
import { type Measured, readSnapshot, type Snapshot } from './snapshot.js';
import { serverMetrics } from './service-metrics.js';
import { tunvsMetrics } from './table.js';

const OF_SERVERS = new Set([...serverMetrics, ...serverHealthMetrics].map(({ name }) => name));

/** What is called of prom-client's `Registry`, so that this library needs none of it. */
export interface MetricsRegistry {
  /** Takes a metric; prom-client throws when it has one of the name. */
  registerMetric(metric: never): void;
  /** Returns the metric of the name, if there is one. */
  getSingleMetric(name: string): unknown;
  /** Gives the metric of the name up. */
  removeSingleMetric(name: string): void;
}

/**
 * The options of {@link registerMetrics}.
 *
 * @example
 * ```ts
 * import { Registry } from 'prom-client';
 * import { Director } from 'tunvs';
 * import { type RegisterOptions, registerMetrics } from 'tunvs/metrics';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const options: RegisterOptions = { servers: false };
 * const unregister = registerMetrics(director, new Registry(), options);
 * unregister();
 * await director.close();
 * ```
 */
export interface RegisterOptions {
  /** Whether there are metrics of each real server. The default is true. */
  servers?: boolean;
  /** The monitor whose findings are shown. By default there are no metrics of health. */
  health?: Pick<HealthView, 'of'>;
}

/**
 * Registers the metrics of a director with a registry of prom-client 15. Nothing is stored: whenever the registry is
 * asked, the director is read once for all of them. Metrics of the process are left to prom-client's
 * `collectDefaultMetrics`. A registry can hold one director.
 *
 * @returns A function that takes the metrics out of the registry again. Call it before the director is closed, because
 *   the registry throws ERR_TUNVS_CLOSED when it is asked later.
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused, or the registry is none or has a
 *   metric of the same name.
 * @example
 * ```ts
 * import { Registry } from 'prom-client';
 * import { Director } from 'tunvs';
 * import { registerMetrics } from 'tunvs/metrics';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const registry = new Registry();
 * const unregister = registerMetrics(director, registry);
 * console.log((await registry.metrics()).includes('tunvs_received_packets_total 0')); // true
 * unregister();
 * await director.close();
 * ```
 */
export function registerMetrics(
  director: Measured,
  registry: MetricsRegistry,
  options: RegisterOptions = {},
): () => void {
  const given = checkedOptions('registerMetrics', options, ['servers', 'health']);
  const { health } = given;
  const servers = booleanOption('registerMetrics: servers', given.servers, true);
  if (typeof registry?.registerMetric !== 'function')
    refuse('registerMetrics: registry', registry, "a Registry of the package 'prom-client'");
  const metrics = servers ? tunvsMetrics : tunvsMetrics.filter(({ name }) => !OF_SERVERS.has(name));
  const taken = metrics.find(({ name }) => registry.getSingleMetric(name) !== undefined);
  if (taken) refuse('registerMetrics: registry', taken.name, 'a registry that has no metric of that name');
  const read = onceATurn(() => readSnapshot(director, { servers, ...(health && { health }) }));
  for (const metric of metrics) registry.registerMetric(new LentMetric(metric, read) as never);
  return () => {
    for (const { name } of metrics) registry.removeSingleMetric(name);
  };
}

/** A registry asks all of its metrics in one turn of the event loop, so they get the same snapshot. */
function onceATurn(read: () => Snapshot): () => Snapshot {
  let kept: Snapshot | undefined;
  return () => {
    if (kept === undefined) {
      kept = read();
      queueMicrotask(() => {
        kept = undefined;
      });
    }
    return kept;
  };
}

interface LentSample {
  labels: Labels;
  value: number;
}

/** What a registry calls of a metric of prom-client. */
class LentMetric {
  /** A registry of OpenMetrics takes the suffix away and adds it to each sample. */
  name: string;
  readonly help: string;
  readonly type: 'counter' | 'gauge';
  readonly aggregator = 'sum';
  readonly #metric: Metric;
  readonly #read: () => Snapshot;

  constructor(metric: Metric, read: () => Snapshot) {
    this.name = metric.name;
    this.help = metric.help;
    this.type = metric.type === 'counter' ? 'counter' : 'gauge';
    this.#metric = metric;
    this.#read = read;
  }

  async get(): Promise<{ name: string; help: string; type: string; aggregator: string; values: LentSample[] }> {
    const { name, help, type, aggregator } = this;
    const snapshot = this.#read();
    const values: LentSample[] = [];
    for (const row of this.#metric.rows(snapshot)) {
      const value = this.#metric.value(row, snapshot);
      if (value !== undefined) values.push({ labels: row.labels.values, value: Number(value) });
    }
    return { name, help, type, aggregator, values };
  }

  /** The director's counters are not a registry's to set back. */
  reset(): void {}
}
