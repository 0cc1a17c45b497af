/** `/v1/events`: what happens, as a stream of server-sent events. */
import { route } from '../router/route.js';
import type { LoggedEvent } from '../resource/event-log.js';

const SSE = 'text/event-stream';

export const getEvents = route({
  method: 'get',
  path: '/v1/events',
  id: 'watchEvents',
  summary: 'Follow what happens, as server-sent events',
  description:
    'The events are `virtualService`, `realServer`, `event` (news of the engine and the host), `health` ' +
    '(`about` says of what: `server`, `quorum`, `failOpen`, `warning`, `ownFault`, `notifyFailed`, `applyFailed` or `late`), `warning` and `close`. ' +
    'With `Last-Event-ID` the stream goes on behind that event. Where some are gone, the event `reset` says so, and ' +
    'the reader reads anew what it needs.',
  access: 'read',
  media: [SSE],
  answers: { 200: { says: 'The events, until the director is closed.', media: SSE } },
  problems: [429],
  run({ events, limits, request }) {
    const lastId = request.headers.get('last-event-id')?.trim() || undefined;
    return {
      media: SSE,
      stream: (signal) => asText(events.after(lastId, limits.heartbeatMs, signal)),
      headers: { 'x-accel-buffering': 'no' },
    };
  },
});

async function* asText(events: AsyncIterable<LoggedEvent | undefined>): AsyncGenerator<string> {
  yield 'retry: 2000\n\n';
  for await (const said of events)
    yield said ? `id: ${said.id}\nevent: ${said.event}\ndata: ${JSON.stringify(said.data)}\n\n` : ': alive\n\n';
}
