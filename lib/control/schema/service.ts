/** Schemas of virtual services. */
import { z } from 'zod';
import { persistenceEngines } from '../../values/persistence.js';
import { schedulerFlagNumbers, schedulers } from '../../values/scheduler.js';
import { MAX_TABLE_SIZE } from '../../values/scheduler-options.js';
import { announceChoices, MAX_SLOW_START_SECONDS, midStreamChoices } from '../../values/service-behaviour.js';
import { timeoutStates } from '../../values/timeouts.js';
import { server, serverNew, serverStats } from './server.js';
import { mark, port, protocol, seconds, traffic, virtualAddress } from './values.js';

const flags = Object.keys(schedulerFlagNumbers) as [keyof typeof schedulerFlagNumbers];

export const stateTimeouts = z.partialRecord(z.enum(timeoutStates), seconds);

const persistence = z.strictObject({
  timeoutSeconds: seconds.optional(),
  netmask: z.union([z.string().max(64), z.int().min(1).max(128)]).optional(),
  engine: z.enum(persistenceEngines).optional(),
});

const settings = {
  scheduler: z.enum(schedulers),
  schedulerFlags: z.array(z.enum(flags)).max(16),
  schedulerOptions: z.strictObject({
    tableSize: z.int().min(1).max(MAX_TABLE_SIZE).optional(),
    stableCursor: z.boolean().optional(),
    randomStart: z.boolean().optional(),
  }),
  persistence: z.union([z.literal(false), persistence]).describe('`false` where there is none.'),
  onePacket: z.boolean(),
  timeouts: stateTimeouts.describe('Its own timeouts by state, in seconds.'),
  midStream: z.enum(midStreamChoices),
  slowStart: z.strictObject({ seconds: z.int().min(0).max(MAX_SLOW_START_SECONDS) }),
  rescheduleUdp: z.boolean(),
  announce: z.enum(announceChoices).describe('When the host has the route of its address.'),
};

const policy = z.object({ kind: z.string().max(64), name: z.string().max(1024) });

/** What names a service in the library. */
export const identity = {
  protocol: z.enum([...protocol.options, 'ip']),
  address: virtualAddress,
  port,
  lastPort: port.min(1).optional(),
  mark: mark.optional(),
};

const name = {
  id: z.string().max(128).describe('Its name in paths: `tcp:192.0.2.1:80`, `mark:7`, `mark6:7`.'),
  ...identity,
};

export const serviceEdit = z.strictObject(settings).partial().meta({ id: 'VirtualServiceEdit' });

/** Names and the policy are accepted where a client sends back what it has read, and ignored. */
export const serviceWhole = z
  .strictObject({
    ...z.object(name).partial().shape,
    ...serviceEdit.shape,
    policy: policy.optional(),
    realServers: z.array(serverNew).max(65536),
  })
  .meta({ id: 'VirtualServiceWhole' });

export const serviceNew = z
  .strictObject({
    protocol: protocol.optional(),
    address: virtualAddress.optional(),
    port: port.optional(),
    lastPort: port.min(1).optional(),
    mark: mark.optional(),
    family: z.union([z.literal(4), z.literal(6)]).optional(),
    ...serviceEdit.shape,
    realServers: z.array(serverNew).max(65536).optional(),
  })
  .describe('It has protocol, address and port, or mark and family.')
  .meta({ id: 'NewVirtualService' });

export const service = z
  .object({ ...name, ...settings, policy: policy.optional(), realServers: z.array(server) })
  .meta({ id: 'VirtualService' });

export const services = z.object({ services: z.array(service) });

export const serviceStats = z
  .object({
    ...identity,
    ...z.object(settings).pick({ scheduler: true, schedulerFlags: true, schedulerOptions: true }).shape,
    persistence: persistence.optional(),
    ...z.object(settings).pick({ onePacket: true, timeouts: true }).shape,
    totals: traffic,
    servers: z.array(serverStats),
  })
  .meta({ id: 'VirtualServiceStats' });

export type ServiceEdit = z.output<typeof serviceEdit>;
export type ServiceWhole = z.output<typeof serviceWhole>;
export type ServiceNew = z.output<typeof serviceNew>;
export type ServiceJson = z.output<typeof service>;
