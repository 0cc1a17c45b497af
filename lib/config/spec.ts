/**
 * What is wanted of a director: what a configuration file says once it is read. Short forms, includes and units are
 * gone, addresses have their canonical spelling, and what was left out is left out, so that the library's defaults hold.
 */
import { z } from 'zod';
import { daemonFields } from './schema/daemon.js';
import { directorFields, settingsFields } from './schema/director.js';
import { healthSchema } from './schema/health.js';
import { type serverSchema, serviceSchema } from './schema/service.js';

/** The names are those of the library's options. */
export const specSchema = z.strictObject({
  ...directorFields,
  ...settingsFields,
  health: healthSchema
    .optional()
    .describe('Says how the real servers of all services are checked, unless a service or a server says otherwise.'),
  services: z.array(serviceSchema).optional().describe('Lists the virtual services.'),
  ...daemonFields,
});

/**
 * What is wanted of a director, its services and what runs beside it. Quantities are in the units of their names;
 * durations are in milliseconds, sizes in bytes. `docs/configuration.md` lists the fields.
 */
export interface Spec extends z.output<typeof specSchema> {}

/** A virtual service that is wanted: `mark` is set, or `protocol`, `address` and `port` are. */
export interface ServiceSpec extends z.output<typeof serviceSchema> {}

/** A real server that is wanted: `address` is set, or `dns` is. `refresh` is in milliseconds. */
export interface ServerSpec extends z.output<typeof serverSchema> {}

export type { CheckSpec } from './schema/checks.js';
export type {
  CommandSpec,
  HealthSpec,
  ServerHealthSpec,
  ServiceHealthSpec,
  TimedCheckSpec,
} from './schema/health.js';

/** Where the value at a path stands; a path such as `services[0].servers[2].weight`. Lines and columns begin at 1. */
export interface Origin {
  /** The file's path. */
  file: string;
  /** The line, from 1. */
  line: number;
  /** The column, from 1. */
  column: number;
}

/** The origins of all values that files hold, by path. A value without one is a default. */
export type Origins = ReadonlyMap<string, Origin>;
