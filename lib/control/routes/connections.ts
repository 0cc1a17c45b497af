/** `/v1/connections`: the connection table, by pages or as a stream, and what would become of a flow. */
import type { Connection, ConnectionsOptions } from '../../stats/connections.js';
import type { VirtualService } from '../../director/virtual-service.js';
import { isRange } from '../../values/prefix.js';
import { Problem } from '../problem.js';
import { foundService } from '../resource/resources.js';
import { withHealth } from '../resource/explained.js';
import { type Call, route } from '../router/route.js';
import { connectionsPage, connectionsQuery, explanation, flow } from '../schema/connection.js';

const NDJSON = 'application/x-ndjson';
const DEFAULT_PAGE = 100;

export const listConnections = route({
  method: 'get',
  path: '/v1/connections',
  id: 'listConnections',
  summary: 'List connections, by pages or as a stream',
  description:
    'A connection is listed when every field that is given is equal. With `Accept: application/x-ndjson` all of them ' +
    'come as a stream, a line each. A page has about `limit` connections, and may be empty before the end: there is ' +
    'more as long as it has `next`. By full NAT a connection has `sourceAddress` and `sourcePort`, by which its real server ' +
    'knows it.',
  access: 'read',
  query: connectionsQuery,
  media: ['application/json', NDJSON],
  answers: { 200: { says: 'A page, or the stream.', schema: connectionsPage } },
  problems: [404, 429],
  async run({ context, query, request }) {
    const { cursor = 0, limit = DEFAULT_PAGE, service, ...given } = query;
    const ofService = service === undefined ? {} : filterOf(foundService(context.director, service));
    const filter = { ...given, ...ofService } as ConnectionsOptions;
    if (isStreamed(request))
      return { media: NDJSON, stream: (signal) => inLines(context.director.connections({ ...filter, signal })) };
    const { connections, next } = await context.director.connectionPiece(filter, { cursor, limit });
    return { body: { connections, ...(next !== undefined && { next: `${next}` }) } };
  },
});

/** Connections do not say whose they are: what several services may have looked for cannot be told apart. */
function filterOf({ protocol, address, port, lastPort, mark }: VirtualService) {
  if (mark !== undefined || isRange(address) || lastPort !== undefined || port === 0)
    throw new Problem(
      422,
      'ERR_TUNVS_UNSUPPORTED',
      'connections are found by a service of one address and one port: filter by protocol, virtualAddress and virtualPort',
    );
  return { protocol, virtualAddress: address, virtualPort: port };
}

function isStreamed({ headers }: Call['request']): boolean {
  const accept = headers.get('accept') ?? '';
  const [first] = accept.split(',').filter((range) => /application\/(x-ndjson|json)|\*/.test(range));
  return first?.includes(NDJSON) ?? false;
}

const PIECE_CHARACTERS = 64 * 1024;

async function* inLines(rows: AsyncIterable<Connection>): AsyncGenerator<string> {
  let piece = '';
  for await (const row of rows) {
    piece += `${JSON.stringify(row)}\n`;
    if (piece.length < PIECE_CHARACTERS) continue;
    yield piece;
    piece = '';
  }
  if (piece !== '') yield piece;
}

export const explain = route({
  method: 'post',
  path: '/v1/explain',
  id: 'explain',
  summary: 'Say which real server a flow would get now, and why',
  description: 'Asking changes nothing.',
  access: 'read',
  body: flow,
  answers: { 200: { says: 'The explanation.', schema: explanation } },
  run({ context, body }) {
    const { mark, ...asked } = body;
    const { director, health } = context;
    const explained = director.explain(asked, mark === undefined ? {} : { mark });
    return { body: withHealth(explained, explained.service && director.virtualService(explained.service), health) };
  },
});
