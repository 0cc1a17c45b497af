/** What a configuration file says of virtual services and their real servers. */
import { z } from 'zod';
import { clientToldWays, forwardingMethods, tunnelChecksums } from '../../values/forwarding-method.js';
import { MAX_INT32, MAX_UINT32 } from '../../values/options.js';
import { persistenceEngines } from '../../values/persistence.js';
import { protocols } from '../../values/protocol.js';
import { type SchedulerFlag, schedulerFlagNumbers, schedulers } from '../../values/scheduler.js';
import { MAX_TABLE_SIZE } from '../../values/scheduler-options.js';
import { announceChoices, MAX_SLOW_START_SECONDS, midStreamChoices } from '../../values/service-behaviour.js';
import { MAX_TIMEOUT_SECONDS } from '../../values/timeouts.js';
import { serviceTimeouts } from './director.js';
import { serverHealthSchema, serviceHealthSchema } from './health.js';
import { duration, quantity } from './quantity.js';

const port = z.int().min(0).max(65535);
const int32 = z.int().min(0).max(MAX_INT32);

/** A real server by its address, or all servers that a name of the DNS stands for. */
export const serverSchema = z.strictObject({
  address: z.string().optional().describe("Sets the real server's own address (RIP). Write address or dns."),
  dns: z
    .string()
    .min(1)
    .max(253)
    .optional()
    .describe(
      'Names the real servers in the DNS: by A and AAAA records, or by SRV records if the name begins with an underscore.',
    ),
  port: port
    .optional()
    .describe("Sets the real server's port. The default is the service's one port, or 0, which keeps the packet's."),
  refresh: duration(1000, 86_400_000)
    .optional()
    .describe('Sets how long an answer of the DNS counts at most, as in 10s. The default is what its TTL says.'),
  max: z
    .int()
    .min(1)
    .max(4096)
    .optional()
    .describe('Sets how many servers a name of the DNS may stand for; the others are left out. The default is 256.'),
  weight: int32
    .optional()
    .describe("Sets the server's share of new connections. With 0 it gets none. The default is 1."),
  forwarding: z
    .enum(forwardingMethods as [string, ...string[]] as unknown as ['ipip', 'gue', 'gre', 'dr', 'local', 'nat', 'snat'])
    .optional()
    .describe("Says how packets get to the server. The default is 'ipip'."),
  tunnelPort: z
    .int()
    .min(1)
    .max(65535)
    .optional()
    .describe("Sets the UDP port that the server takes GUE on. 'gue' needs it, and no other method takes it."),
  clientAddress: z
    .enum(clientToldWays)
    .optional()
    .describe("Says how the server is told the client's address, with 'snat'. The default is 'none'."),
  tunnelChecksum: z
    .enum(tunnelChecksums)
    .optional()
    .describe("Says what a checksum of the tunnel's own guards. The default is 'none'."),
  upperThreshold: int32
    .optional()
    .describe('Sets the number of connections at which the server gets no new ones. 0, the default, is no limit.'),
  lowerThreshold: int32
    .optional()
    .describe('Sets the number of connections below which the server gets new ones again. 0 is 3/4 of upperThreshold.'),
  health: z
    .union([z.literal(false), serverHealthSchema])
    .optional()
    .describe(
      "Says how the server is checked; false says that it is not. The default is what the service's health says.",
    ),
});

/** A server that takes over while the others are down is not looked up, and not checked. */
export const sorryServerSchema = serverSchema.omit({ dns: true, refresh: true, max: true, health: true });

const persistence = z.strictObject({
  timeoutSeconds: quantity('s', 1, MAX_TIMEOUT_SECONDS)
    .optional()
    .describe('Sets how long after its last new connection a client is remembered. The default is 360.'),
  netmask: z
    .union([z.int().min(1).max(128), z.string()])
    .optional()
    .describe("Says which clients count as one: a prefix length, or a dotted mask such as '255.255.255.0'."),
  engine: z
    .enum(persistenceEngines)
    .optional()
    .describe('Chooses the engine that knows clients. By default a client is known by its address.'),
});

const schedulerOptions = z.strictObject({
  tableSize: z
    .int()
    .min(1)
    .max(MAX_TABLE_SIZE)
    .optional()
    .describe("Sets the number of slots of the scheduler's table. docs/schedulers.md lists the sizes."),
  stableCursor: z
    .boolean()
    .optional()
    .describe('Leaves the walk of wrr where it is when weights or servers change. The default is false.'),
  randomStart: z
    .boolean()
    .optional()
    .describe('Begins the walk of rr or wrr at a random server. The default is false.'),
});

/** A virtual service. Either `mark` names it, or `protocol`, `address` and `port` do. */
export const serviceSchema = z.strictObject({
  protocol: z.enum(protocols).optional().describe('Names the transport protocol.'),
  address: z.string().optional().describe('Names the virtual address (VIP), or a range of them, as in 192.0.2.0/28.'),
  port: port.optional().describe('Names the virtual port, or the first of a range. 0 is every port, with persistence.'),
  lastPort: port
    .min(1)
    .optional()
    .describe('Names the last port of a range that begins with port. The default is port.'),
  mark: z
    .int()
    .min(1)
    .max(MAX_UINT32)
    .optional()
    .describe('Names the service by a firewall mark, instead of protocol, address and port.'),
  family: z
    .union([z.literal(4), z.literal(6)])
    .optional()
    .describe('Names the address family of a service by mark. The default is 4.'),
  scheduler: z.enum(schedulers).optional().describe("Chooses the scheduler. The default is 'wlc'."),
  schedulerFlags: z
    .array(z.enum(Object.keys(schedulerFlagNumbers) as [SchedulerFlag, ...SchedulerFlag[]]))
    .optional()
    .describe("Sets the scheduler's flags. The default is none."),
  schedulerOptions: schedulerOptions.optional().describe("Sets the scheduler's options."),
  persistence: z
    .union([z.literal(false), persistence])
    .optional()
    .describe('Sends new connections of a client where its last one went. The default is false.'),
  onePacket: z.boolean().optional().describe('Schedules every UDP datagram by itself. The default is false.'),
  timeouts: serviceTimeouts
    .optional()
    .describe("Replaces the director's timeouts for states of the service's protocol."),
  midStream: z
    .enum(midStreamChoices)
    .optional()
    .describe("Says what becomes of a packet from the middle of an unknown connection. The default is 'reset'."),
  slowStart: z
    .strictObject({ seconds: quantity('s', 0, MAX_SLOW_START_SECONDS).describe('Sets how long the weight rises.') })
    .optional()
    .describe('Lets the weight of a new or returning real server rise. The default is none.'),
  rescheduleUdp: z
    .boolean()
    .optional()
    .describe('Sends UDP connections of a removed real server to another one. The default is false.'),
  announce: z
    .enum(announceChoices)
    .optional()
    .describe(
      'Says when the host has the route of the address: always (the default), or while the service has its quorum (when-up).',
    ),
  policy: z
    .string()
    .regex(/^\.{0,2}\/./)
    .meta({ title: 'a path that begins with ./, ../ or /' })
    .optional()
    .describe('Names a module whose default export is a policy, relative to the file that names it.'),
  health: z
    .union([z.literal(false), serviceHealthSchema])
    .optional()
    .describe("Says how the real servers are checked; false says that they are not. The default is the file's health."),
  servers: z.array(serverSchema).optional().describe('Lists the real servers, in the order of the schedulers.'),
  sorryServers: z
    .array(sorryServerSchema)
    .optional()
    .describe('Lists the servers that take over while the service is below its quorum.'),
});
