/** What a configuration file says of the director: the options of `Director.open`, and its settings. */
import { z } from 'zod';
import { noServerReplies, pingReplies, unmatchedReplies } from '../../director/open-options.js';
import { MAX_CPU } from '../../values/cpu.js';
import { egresses } from '../../values/egress.js';
import { FAST_PATH_INGRESS, fastPaths, parseFastPath } from '../../values/fast-path.js';
import { offloads } from '../../values/offload.js';
import { MAX_INT32, MAX_UINT32 } from '../../values/options.js';
import { protocols } from '../../values/protocol.js';
import { roles } from '../../values/role.js';
import { MAX_TIMEOUT_SECONDS, timeoutStates } from '../../values/timeouts.js';
import { quantity } from './quantity.js';

const sourceAddress = z.string().meta({ title: 'an address of this host, as in 10.2.0.2' });
const deviceName = z.string().min(1).max(15);
const queues = z.int().min(1).max(64);
const mark = z.int().min(1).max(MAX_UINT32);
const port = z.int().min(0).max(65535);

const fullNat = z.strictObject({
  sources: z
    .array(z.string())
    .min(1)
    .describe('Names the addresses, and ranges of them, that packets get: at most 256 addresses of each family.'),
  firstPort: z.int().min(1).max(65535).optional().describe('Sets the first port that is used. The default is 1024.'),
  lastPort: z.int().min(1).max(65535).optional().describe('Sets the last port that is used. The default is 65535.'),
});

const device = z.strictObject({
  name: deviceName
    .optional()
    .describe("Names the TUN interface. '%d' stands for a free number. The default is tunvs0."),
  queues: queues
    .optional()
    .describe('Sets the number of queues, each with a worker thread. The default is one for each CPU, at most 4.'),
  maxPacketBytes: quantity('bytes', 576, 65535)
    .optional()
    .describe('Sets the length of the longest packet that is read. The default is the larger of 2048 and pathMtu.'),
  steering: z
    .enum(['auto', 'kernel'])
    .optional()
    .describe("Says what chooses a packet's queue. 'auto', the default, takes a BPF program where the kernel does."),
});

const markDevice = z.strictObject({
  mark: mark.describe('Sets the firewall mark of the packets that come by this device.'),
  name: deviceName.optional().describe("Names the TUN interface. The default is 'tunvsm%d'."),
  queues: queues.optional().describe('Sets the number of queues. The default is 1; all devices have at most 64.'),
});

const neighbourNews = z.strictObject({
  count: z
    .int()
    .min(1)
    .max(100)
    .optional()
    .describe('Sets how many packets for each address are sent at once, and as many again later. The default is 5.'),
  againMs: quantity('ms', 0, 3_600_000)
    .optional()
    .describe('Sets when they are sent again; with 0 they are not. The default is 5s.'),
  refreshMs: quantity('ms', 0, 86_400_000)
    .optional()
    .describe('Sets the time between two packets for each address from then on. The default is 0: there are none.'),
});

const host = z.strictObject({
  mtuBytes: quantity('bytes', 576, 65535).optional().describe("Sets the device's MTU. The default is pathMtu - 20."),
  txQueueLength: z
    .int()
    .min(1)
    .max(MAX_INT32)
    .optional()
    .describe('Sets how many packets of a queue may wait for a worker. The default is 4096.'),
  answersArp: z
    .boolean()
    .optional()
    .describe('Says whether the host answers ARP for virtual addresses in one of its subnets. The default is true.'),
  neighbourNews: z
    .union([z.literal(false), neighbourNews])
    .optional()
    .describe(
      'Says how neighbours are told that the host answers for a virtual address from now on, by gratuitous ARP and neighbour advertisements; false says that they are not.',
    ),
});

/** The options of `Director.open` that a file can hold. A change of one of them needs a restart. */
export const directorFields = {
  source: z
    .union([sourceAddress, z.array(sourceAddress).min(1)])
    .describe("Sets the director's addresses (DIP), the outer source of tunnel packets: one for each address family."),
  device: device.optional().describe('Describes the TUN device that packets of virtual services come by.'),
  markDevices: z
    .array(markDevice)
    .optional()
    .describe('Opens further devices, one for each firewall mark that somebody else gives, such as nftables.'),
  egress: z
    .enum(['auto', ...egresses])
    .optional()
    .describe("Chooses how packets leave. 'auto', the default, takes the first of packet, raw and tun that works."),
  offloads: z
    .union([z.enum(['auto', 'off']), z.array(z.enum(offloads)).min(1)])
    .optional()
    .describe("Chooses the offloads. 'auto', the default, uses those that work here; a list uses these and no others."),
  setUpHost: z
    .union([z.boolean(), host])
    .optional()
    .describe('Says whether to set up the host, and how. The default is true, unless a device existed before.'),
  pathMtu: z
    .int()
    .min(576)
    .max(65535)
    .optional()
    .describe('Sets the path MTU to real servers where no smaller one was learned. The default is 1500.'),
  pathMtuFloor: z
    .int()
    .min(68)
    .max(65535)
    .optional()
    .describe('Sets the narrowest path that ICMP errors can bring about, at most pathMtu. The default is 552.'),
  pingReply: z
    .enum(pingReplies)
    .optional()
    .describe("Says when an echo request to a virtual address is answered. The default is 'always'."),
  noServerReply: z
    .enum(noServerReplies)
    .optional()
    .describe("Says what a client gets when no real server may take its connection. The default is 'unreachable'."),
  unmatchedReplies: z
    .enum(unmatchedReplies)
    .optional()
    .describe("Says what becomes of real servers' packets without a connection, with 'nat'. The default is 'drop'."),
  fullNat: fullNat.optional().describe("Describes full NAT, which servers with the method 'snat' need."),
  maxConnections: z
    .int()
    .min(1024)
    .max(2 ** 28)
    .optional()
    .describe('Sets how many connections of each address family fit the table. The default is 1048576.'),
  hashSeed: z
    .union([
      z.int().min(0),
      z
        .string()
        .regex(/^\d{1,20}$/)
        .meta({ title: 'digits in quotes' }),
    ])
    .optional()
    .describe("Seeds the connection table's hash, below 2^64. Without it the seed is secret, which resists floods."),
  busyPollUs: quantity('us', 0, 1_000_000)
    .optional()
    .describe(
      'Sets how long a worker spins on an idle device before it sleeps. By default it spins for up to 20us while packets come densely; with 0 it never does.',
    ),
  cpus: z
    .array(z.int().min(0).max(MAX_CPU))
    .min(1)
    .optional()
    .describe('Keeps the workers on these CPUs, one each, in turn. By default the kernel chooses.'),
  fastPath: z
    .union([
      z.enum(fastPaths),
      z
        .templateLiteral(['ingress:', z.string()])
        .refine(
          (text) => parseFastPath(text) !== undefined,
          'expected ingress: and names of devices, as in ingress:eth0,eth1',
        )
        .meta({ pattern: FAST_PATH_INGRESS.source, title: 'ingress:eth0,eth1' }),
    ])
    .optional()
    .describe(
      'Says whether packets of established connections are sent on inside the kernel: off (the default), egress, or auto, which does it where it can be; ingress:eth0,eth1 also does it for what comes in by these devices before the host has routed it.',
    ),
  rings: z
    .array(deviceName)
    .min(1)
    .optional()
    .describe(
      'Names devices of which packets for virtual addresses are taken as they come in, by rings in memory, before the host has routed them. By default there is none.',
    ),
  state: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Names a folder of a tmpfs in which the connections lie, so that the next director goes on with them. By default they end with the director.',
    ),
  role: z
    .enum(roles)
    .optional()
    .describe(
      "Says what the director begins as: active (the default), or standby, which brings no packets of clients to it until 'tunvs role active'.",
    ),
  bypassesQdisc: z
    .boolean()
    .optional()
    .describe('Says whether the egress packet leaves the queueing discipline out. The default is false.'),
};

const seconds = (least: number) => quantity('s', least, MAX_TIMEOUT_SECONDS).optional();
const states = (least: number) =>
  Object.fromEntries(
    timeoutStates.map((state) => [state, seconds(least).describe(`Sets the timeout of the state ${state}.`)]),
  ) as Record<(typeof timeoutStates)[number], ReturnType<typeof seconds>>;

/** The timeouts of a virtual service, in seconds. */
export const serviceTimeouts = z.strictObject(states(1));

const timeouts = z.strictObject({
  ...states(0),
  tcp: seconds(0).describe('Sets the timeout of an established TCP connection. It is 900 at first.'),
  tcpFin: seconds(0).describe("Sets the timeout of a TCP connection after the client's FIN. It is 120 at first."),
  udp: seconds(0).describe('Sets the timeout of a UDP connection. It is 300 at first.'),
});

const markRule = z.strictObject({
  mark: mark.describe('Sets the firewall mark that a packet gets which fits every other part of the rule.'),
  protocol: z.enum(protocols).optional().describe('Names the transport protocol. The default is any.'),
  source: z
    .string()
    .optional()
    .describe('Names the client addresses, as ADDRESS or ADDRESS/LENGTH. The default is any.'),
  destination: z
    .string()
    .optional()
    .describe('Names the virtual addresses, as ADDRESS or ADDRESS/LENGTH. The default is any.'),
  port: port.optional().describe('Names the destination port, or the first of a range. The default is any.'),
  lastPort: port.optional().describe('Names the last port of a range that begins with port. The default is port.'),
});

/** What a running director can change. */
export const settingsFields = {
  timeouts: timeouts
    .optional()
    .describe('Sets how many seconds a connection in each state is remembered without packets.'),
  sysctls: z
    .record(z.string(), z.int())
    .optional()
    .describe("Sets IPVS's sysctls by their names, with or without net.ipv4.vs. in front."),
  marks: z
    .array(markRule)
    .optional()
    .describe('Lists the rules that give packets a firewall mark. The first rule that fits counts.'),
};
