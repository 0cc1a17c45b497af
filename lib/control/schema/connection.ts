/** Schemas of connections and of flows. */
import { z } from 'zod';
import { connectionStates } from '../../values/connection-state.js';
import { MAX_UINT32 } from '../../values/options.js';
import { address, port, protocol, queryFlag, queryNumber } from './values.js';

const anyProtocol = z.enum([...protocol.options, 'ip']);
const kind = z.enum(['connection', 'template']);

export const connection = z
  .object({
    kind,
    protocol: anyProtocol,
    ...{ clientAddress: address, clientPort: port, virtualAddress: address, virtualPort: port },
    ...{ serverAddress: address, serverPort: port },
    ...{ sourceAddress: address.optional(), sourcePort: port.optional() },
    state: z.string(),
    expiresMs: z.number(),
    active: z.boolean(),
    controlled: z.int(),
    persistenceEngine: z.string().optional(),
    persistenceData: z.string().optional(),
  })
  .meta({ id: 'Connection' });

const filter = {
  kind,
  protocol: anyProtocol,
  ...{ clientAddress: address, clientPort: queryNumber },
  ...{ virtualAddress: address, virtualPort: queryNumber },
  ...{ serverAddress: address, serverPort: queryNumber },
  ...{ sourceAddress: address, sourcePort: queryNumber },
  state: z.enum(connectionStates),
  active: queryFlag,
};

export const connectionsQuery = z.strictObject({
  service: z
    .string()
    .max(128)
    .optional()
    .describe('The id of a virtual service of one address and one port, instead of protocol and virtual address.'),
  ...z.object(filter).partial().shape,
  cursor: z
    .string()
    .regex(/^\d{1,15}$/, 'it is no cursor: take `next` of the page before')
    .transform(Number)
    .optional(),
  limit: queryNumber.pipe(z.int().min(1).max(10_000)).optional().describe('100 by default.'),
});

export const connectionsPage = z.object({
  connections: z.array(connection),
  next: z.string().optional().describe('The cursor of the next page. It is left out at the end of the table.'),
});

export const flow = z
  .strictObject({
    protocol,
    ...{ clientAddress: address, clientPort: port, virtualAddress: address, virtualPort: port },
    flags: z
      .string()
      .regex(/^[SAFRP]*$/)
      .max(16)
      .optional()
      .describe("TCP flags. The default is 'S', a SYN."),
    mark: z.int().min(0).max(MAX_UINT32).optional().describe('The firewall mark of the device that it comes from.'),
  })
  .meta({ id: 'Flow' });

const packetEnd = z.object({ address, port: port.optional() });

export const explanation = z
  .object({
    verdict: z.string(),
    by: z.string().optional(),
    realServer: z.object({ address, port }).optional(),
    service: z.object({ protocol: anyProtocol, address: z.string(), port }).loose().optional(),
    scheduler: z.string().optional(),
    policy: z.object({ kind: z.string(), name: z.string() }).optional(),
    becomes: z
      .object({ source: packetEnd.optional(), destination: packetEnd })
      .optional()
      .describe(
        'What the packet leaves with in place of its own source and destination, by nat or snat. There is no source ' +
          'where full NAT has still to pick one.',
      ),
    connectionState: z.string().optional(),
    endsConnection: z.boolean(),
    notChosen: z.array(z.string()).optional().describe('The servers that are down by health, each with the reason.'),
    text: z.string().describe('The sentence that says all of it.'),
  })
  .meta({ id: 'Explanation' });
