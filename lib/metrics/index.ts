/**
 * `tunvs/metrics`: the figures of a director for Prometheus. `docs/metrics.md` lists them.
 *
 * @module
 */
export { type MetricsRegistry, type RegisterOptions, registerMetrics } from './register.js';
export {
  type MetricsFormat,
  type MetricsOptions,
  metricsContentTypes,
  metricsFormats,
  metricsText,
} from './text.js';
