/** Schemas of real servers. */
import { z } from 'zod';
import { clientToldWays, forwardingMethods, tunnelChecksums } from '../../values/forwarding-method.js';
import { MAX_INT32 } from '../../values/options.js';
import { address, figure, port, traffic } from './values.js';

const settings = {
  weight: z.int().min(0).max(MAX_INT32).describe('Its share of new connections. A new server has 1.'),
  isUp: z.boolean().describe('Whether it is healthy. PUT leaves it as it is unless it is given.'),
  forwarding: z.enum(forwardingMethods as readonly [string, ...string[]]).describe('How packets get to it.'),
  tunnelPort: port.describe("The UDP port that it takes GUE on. Only 'gue' has one."),
  tunnelChecksum: z.enum(tunnelChecksums),
  clientAddress: z.enum(clientToldWays),
  upperThreshold: z.int().min(0).max(MAX_INT32).describe('Connections at which it gets no new ones; 0 is no limit.'),
  lowerThreshold: z.int().min(0).max(MAX_INT32).describe('Connections below which it gets new ones again.'),
};

/** What only the director writes: accepted where a client sends back what it has read, and ignored. */
const readOnly = {
  isDraining: z.boolean(),
  assignedWeight: z.int().describe('By a weights policy.'),
};

/** What a server is from the beginning: another value makes another server of it. */
const isSorry = z.boolean().describe('Whether it is a sorry server, which is out of the list until health needs it.');

export const serverEdit = z.strictObject(settings).partial().meta({ id: 'RealServerEdit' });

export const serverWhole = z
  .strictObject({ address: address.optional(), port: port.optional(), ...serverEdit.shape })
  .extend(z.object({ ...readOnly, isSorry }).partial().shape)
  .meta({ id: 'RealServerWhole' });

export const serverNew = z.strictObject({ ...serverWhole.shape, address }).meta({ id: 'NewRealServer' });

export const server = z
  .object({
    ...{ address, port },
    ...z.object(settings).shape,
    tunnelPort: settings.tunnelPort.optional(),
    isDraining: readOnly.isDraining,
    assignedWeight: readOnly.assignedWeight.optional(),
    isSorry: isSorry.optional(),
  })
  .meta({ id: 'RealServer' });

export const serverStats = z
  .object({
    ...server.shape,
    tunnelPort: port,
    effectiveWeight: z.number(),
    activeConnections: z.int(),
    inactiveConnections: z.int(),
    persistentConnections: z.int(),
    overloaded: z.boolean(),
    pathMtu: z.int(),
    tooBig: figure,
    fragmentsSent: figure,
    repeatedOpenings: figure,
    clientResets: figure,
    tunnelErrors: figure,
    sourcePairs: z.int().optional(),
    sourcePairsInUse: z.int().optional(),
    totals: traffic,
  })
  .meta({ id: 'RealServerStats' });

export type ServerEdit = z.output<typeof serverEdit>;
export type ServerWhole = z.output<typeof serverWhole>;
export type ServerNew = z.output<typeof serverNew>;
export type ServerJson = z.output<typeof server>;
