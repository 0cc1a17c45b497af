/**
 * `tunvs/metrics`: the figures of a director for Prometheus.
 *
 * @module
 */
export {};
