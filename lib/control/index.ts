/**
 * `tunvs/control`: the doors of a running director, for the daemon and for embedders.
 *
 * @module
 */
export { type ControlApp, controlApp } from './app.js';
export type { AdmPiece } from '../rules/adm/piece.js';
export type { ControlContext, ControlLimits, ReloadReport } from './context.js';
export { type ClientOptions, type ControlClient, type ControlEvent, createClient } from './client.js';
export type { Access, Door, DoorLog, HttpPlace, Token } from './door/door.js';
export type { DoorLimits } from './door/limits.js';
export type { ControlOptions } from './serve.js';
export { controlAttachment, serveControl, type ServeControlOptions } from './serve-control.js';
