/** Health: checks of real servers, and what follows from them. */
export * from './checks/check.js';
export type * from './events.js';
export type * from './notify/options.js';
export type * from './options.js';
export { HealthMonitor } from './monitor.js';
export { monitorHealth } from './monitor-health.js';
