/**
 * `tunvs/control`: the doors of a running director, for the daemon and for embedders.
 *
 * @module
 */
export { type ControlApp, controlApp } from './app.js';
export type { Access, AdmPiece, ControlContext, ControlLimits, ControlLog, ReloadReport } from './context.js';
export { type ClientOptions, type ControlClient, type ControlEvent, createClient } from './client.js';
