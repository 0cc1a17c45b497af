/**
 * `tunvs/control` serves the control API of a director, and has a client for it. `docs/control.md` lists the routes.
 *
 * @module
 */
export type { AdmPiece } from '../rules/adm/piece.js';
export type { ReloadReport } from './context.js';
export { createClient } from './client.js';
export type {
  CallOptions,
  ChangeOptions,
  ClientOptions,
  ControlClient,
  ControlEvent,
  DrainCalls,
  ServerCalls,
  ServiceCalls,
  Versioned,
} from './client-types.js';
export type { Door, DoorLog, HttpPlace, Token } from './door/door.js';
export type { DoorLimits } from './door/limits.js';
export type { ControlOptions } from './serve.js';
export { serveControl, type ServeControlOptions } from './serve-control.js';
