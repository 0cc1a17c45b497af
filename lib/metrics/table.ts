/** The one list of all metrics, in the order in which they are printed. */
import { directorMetrics, processMetrics } from './director-metrics.js';
import { engineMetrics } from './engine-metrics.js';
import { fleetMetrics } from './fleet-metrics.js';
import { serverHealthMetrics, serviceHealthMetrics } from './health-metrics.js';
import type { Metric } from './metric.js';
import { syncMetrics } from './sync-metrics.js';
import { policyMetrics, serverMetrics, serviceMetrics } from './service-metrics.js';

/** What is about a director. */
export const tunvsMetrics: readonly Metric[] = [
  ...directorMetrics,
  ...engineMetrics,
  ...syncMetrics,
  ...policyMetrics,
  ...serviceMetrics,
  ...serviceHealthMetrics,
  ...serverMetrics,
  ...serverHealthMetrics,
] as readonly Metric[];

/** And what is about its process and its fleet, which are the daemon's. */
export const allMetrics: readonly Metric[] = [...processMetrics, ...tunvsMetrics, ...fleetMetrics] as readonly Metric[];
