/** Streams of the control API: events, connections, ipvsadm; and drains. */
import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';
import type { Access } from '../../lib/control/door/door.js';
import type { AdmPiece } from '../../lib/rules/adm/piece.js';
import { eventuallyHolds } from '../support/eventually.js';
import { type TestedApi, testedApi } from '../support/control.js';
import { tcp } from '../support/packets.js';

const WEB = '/v1/services/tcp:192.0.2.1:80';

/** Reads a stream by pieces of text. */
async function open(
  api: TestedApi,
  path: string,
  { headers = {}, body, access = 'write' }: { headers?: object; body?: object; access?: Access } = {},
) {
  const init = body ? { method: 'POST', body: JSON.stringify(body) } : {};
  const json = body && { 'content-type': 'application/json' };
  const request = new Request(`http://tunvs${path}`, { ...init, headers: { ...headers, ...json } });
  const response = await api.app.fetch(request, access);
  const reader = (response.body as ReadableStream<Uint8Array>).getReader();
  let text = '';
  return {
    response,
    reader,
    async until(pattern: RegExp) {
      while (!pattern.test(text)) {
        const { done, value } = await reader.read();
        if (done) throw new Error(`the stream ended with: ${text}`);
        text += Buffer.from(value).toString();
      }
      return text;
    },
    async rest() {
      for (let part = await reader.read(); !part.done; part = await reader.read())
        text += Buffer.from(part.value).toString();
      return text;
    },
  };
}

describe('streams of the control API', () => {
  let api: TestedApi;

  const begin = (others = {}) => {
    api = testedApi(others);
    const service = api.director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    return service.addRealServer({ address: '10.3.0.11' });
  };
  const connect = (clients: number) =>
    api.director.process(
      Array.from({ length: clients }, (_, at) => tcp({ from: `198.51.100.7:${10_000 + at}`, to: '192.0.2.1:80' })),
      0,
    );

  afterEach(async () => {
    api.app.close();
    await api.director.close();
  });

  it('tells of changes as they come into force, and of the end', async () => {
    const server = begin();
    const events = await open(api, '/v1/events');
    server.weight = 4;
    const text = await events.until(/"edited"/);
    assert.match(
      text,
      /^retry: \d+\n\nid: \S+\nevent: realServer\ndata: {"change":"edited","service":"tcp:192.0.2.1:80","server":"10.3.0.11:80"}\n\n$/,
    );
    await api.director.close();
    assert.match(await events.rest(), /event: close\ndata: {}\n\n$/);
  });

  it('goes on behind the event that the reader had last, and says so where it cannot', async () => {
    const server = begin();
    const first = await open(api, '/v1/events');
    server.weight = 4;
    const [, id = ''] = /^id: (\S+)$/m.exec(await first.until(/\n\n.*\n\n/s)) ?? [];
    await first.reader.cancel();
    server.isUp = false;
    server.isUp = true;
    const again = await open(api, '/v1/events', { headers: { 'last-event-id': id } });
    assert.equal((await again.until(/(event: realServer.*){2}/s)).match(/^id: /gm)?.length, 2);
    await again.reader.cancel();
    for (const strange of ['other.1', `${id}99999`, 'x', `${id.split('.')[0]}.-1`]) {
      const reset = await open(api, '/v1/events', { headers: { 'last-event-id': strange } });
      assert.match(await reset.until(/\n\n.*\n\n/s), /event: reset/, strange);
      await reset.reader.cancel();
    }
  });

  it('tells a reader who is too slow that events are gone', async () => {
    const server = begin();
    const events = await open(api, '/v1/events');
    for (let weight = 0; weight < 5000; weight += 1) server.weight = weight;
    assert.match(await events.until(/event: reset/), /events came faster/);
    server.weight = 7;
    assert.match(await events.until(/edited/), /event: realServer/);
  });

  it('gives a sign of life where nothing happens', async () => {
    begin({ limits: { heartbeatMs: 5 } });
    await (await open(api, '/v1/events')).until(/: alive\n\n: alive\n\n/);
  });

  it('cuts a reader who takes nothing, and only that one', async () => {
    begin({ limits: { stalledMs: 30, heartbeatMs: 5, streams: 2 } });
    const stalled = await open(api, '/v1/events', { access: 'read' });
    const alive = await open(api, '/v1/events');
    const full = await api.ask('GET', '/v1/events');
    assert.deepEqual([full.status, full.json.code, full.headers.get('retry-after')], [429, 'ERR_TUNVS_LIMIT', '5']);
    await alive.until(/(: alive\n\n){12}/);
    await assert.rejects(stalled.reader.read(), /nothing was read for \d+ ms/);
    await alive.until(/(: alive\n\n){14}/);
    const another = await open(api, '/v1/events');
    assert.equal(another.response.status, 200);
  });

  it('keeps a paused reader who may write, until somebody else needs the room', async () => {
    const ended: number[] = [];
    let calls = 0;
    let made = 0;
    const execute = async function* (): AsyncGenerator<AdmPiece> {
      const call = ++calls;
      try {
        for (;;) yield { out: `${++made}` };
      } finally {
        ended.push(call);
      }
    };
    begin({ execute, isListing: () => true, limits: { stalledMs: 30, pausedMs: 60_000, streams: 2 } });
    const listing = () => open(api, '/v1/ipvsadm', { body: { argv: ['-L'] } });
    const pager = await listing();
    await pager.reader.read();
    await delay(10);
    const other = await listing();
    await other.reader.read();
    await delay(200);
    assert.deepEqual(ended, []);
    assert.equal(made, 2, 'nothing is made for readers that have paused');
    await (await listing()).reader.read();
    assert.deepEqual(ended, [1]);
    await assert.rejects(pager.reader.read(), /nothing was read/);
    await other.reader.read();
  });

  it('pages through the connections: each once, by a filter', async () => {
    begin();
    connect(300);
    const ports = new Set<number>();
    let pages = 0;
    for (let cursor: string | undefined = '0'; cursor !== undefined; pages += 1) {
      const page = await api.ask(
        'GET',
        `/v1/connections?limit=50&cursor=${cursor}&state=SYN_RECV&serverAddress=10.3.0.11`,
      );
      assert.equal(page.status, 200);
      for (const { clientPort } of page.json.connections) {
        assert.ok(!ports.has(clientPort));
        ports.add(clientPort);
      }
      cursor = page.json.next;
    }
    assert.equal(ports.size, 300);
    assert.ok(pages >= 3, `${pages} pages`);
    const one = await api.ask('GET', '/v1/connections?clientPort=10007');
    assert.deepEqual(
      one.json.connections.map((each: { clientPort: number }) => each.clientPort),
      [10_007],
    );
    assert.deepEqual((await api.ask('GET', '/v1/connections?state=ESTABLISHED')).json.connections, []);
    const wrong = await api.ask('GET', '/v1/connections?clientAddress=web');
    assert.equal(wrong.status, 422);
  });

  it('streams the connections, a line each', async () => {
    begin();
    connect(1000);
    const stream = await open(api, '/v1/connections', { headers: { accept: 'application/x-ndjson' } });
    assert.equal(stream.response.headers.get('content-type'), 'application/x-ndjson');
    const rows = (await stream.rest())
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(new Set(rows.map(({ clientPort }) => clientPort)).size, 1000);
  });

  it('passes the pieces of ipvsadm on as they are read, and ends it when the reader goes', async () => {
    let made = 0;
    let isEnded = false;
    const execute = async function* (): AsyncGenerator<AdmPiece> {
      try {
        for (;;) {
          made += 1;
          yield { out: `${made}\n` };
        }
      } finally {
        isEnded = true;
      }
    };
    begin({ execute, isListing: (argv: string[]) => argv[0] === '-L' });
    const stream = await open(api, '/v1/ipvsadm', { body: { argv: ['-L'] } });
    await stream.until(/{"out":"3\\n"}\n/);
    assert.equal(made, 3);
    await stream.reader.cancel();
    await eventuallyHolds(async () => assert.ok(isEnded));
    assert.equal((await api.ask('POST', '/v1/ipvsadm', { argv: ['-C'] }, { access: 'read' })).status, 403);
  });

  it('begins, shows and abandons a drain', async () => {
    begin();
    connect(2);
    const path = `${WEB}/servers/10.3.0.11:80/drain`;
    const begun = await api.ask('POST', path, { seconds: 60 });
    assert.equal(begun.status, 202);
    const { beganAt, ...others } = begun.json;
    assert.ok(Date.parse(beganAt) > 0);
    const drain = { service: 'tcp:192.0.2.1:80', server: '10.3.0.11:80', isDraining: true, connections: 2 };
    assert.deepEqual(others, { ...drain, isDone: false, seconds: 60 });
    assert.equal((await api.ask('GET', '/v1/drains')).json.drains.length, 1);
    assert.equal((await api.ask('POST', path, {})).json.seconds, undefined);
    api.director.advance(61_000);
    assert.equal((await api.ask('GET', path)).json.connections, 0, 'SYN_RECV is over');
    assert.equal((await api.ask('DELETE', path)).status, 204);
    assert.deepEqual((await api.ask('GET', '/v1/drains')).json.drains, []);
    assert.equal((await api.ask('GET', path)).json.isDraining, false);
  });

  it('ends what is left at the deadline of a drain', async () => {
    begin();
    api.director.setTimeouts({ synRecv: 3600 });
    connect(3);
    const path = `${WEB}/servers/10.3.0.11:80/drain`;
    await api.ask('POST', path, { seconds: 10 });
    api.director.advance(11_000);
    await eventuallyHolds(async () => assert.equal((await api.ask('GET', path)).json.ended, 3));
    assert.equal((await api.ask('GET', path)).json.isDone, true);
  });

  it('ends nothing at the deadline of a drain that a second one has put aside', async () => {
    begin();
    api.director.setTimeouts({ synRecv: 3600 });
    connect(3);
    const path = `${WEB}/servers/10.3.0.11:80/drain`;
    await api.ask('POST', path, { seconds: 10 });
    await api.ask('POST', path, {});
    api.director.advance(11_000);
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal((await api.ask('GET', path)).json.connections, 3);
  });

  it('explains what would become of a flow', async () => {
    begin();
    const flow = { protocol: 'tcp', clientAddress: '198.51.100.7', clientPort: 4000, virtualPort: 80 };
    const said = await api.ask('POST', '/v1/explain', { ...flow, virtualAddress: '192.0.2.1' });
    assert.deepEqual(said.json.realServer, { address: '10.3.0.11', port: 80 });
    assert.equal((await api.ask('POST', '/v1/explain', { ...flow, virtualAddress: '2001:db8::1' })).status, 422);
  });
});
