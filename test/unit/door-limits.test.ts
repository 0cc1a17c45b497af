/** What clients of a control server may cost, and what becomes of those that want more. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { Agent } from 'node:http';
import type { Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { checkedLimits } from '../../lib/control/door/limits.js';
import { Census } from '../../lib/control/door/census.js';
import { Summary } from '../../lib/control/door/summary.js';
import { ask, dial, Doors, gone, say } from '../support/door-client.js';
import { eventually } from '../support/eventually.js';

const GET = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

describe('a door with limits', () => {
  let doors: Doors;

  beforeEach(() => {
    doors = new Doors();
  });

  afterEach(async () => {
    await doors.dispose();
  });

  const here = () => ({ path: doors.path });
  const get = () => ask({ socketPath: doors.path });
  const post = (body: string | Buffer, headers = {}) => ask({ socketPath: doors.path, method: 'POST', body, headers });
  const echo = async (request: Request) => new Response(await request.text());

  it('answers what is no request with 400, and closes', async () => {
    await doors.open();
    const nonsense: [string, RegExp][] = [
      ['\x16\x03\x01\x02\x00\x01\x00', /^HTTP\/1.1 400 /],
      ['GET\r\n\r\n', /^HTTP\/1.1 400 /],
      ['GET / HTTP/9.9\r\nHost: a\r\n\r\n', /^HTTP\/1.1 400 /],
      ['GET / HTTP/1.1\r\n\r\n', /^HTTP\/1.1 400 /],
      ['GET http://x/ HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 400 /],
      ['GET / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n\r\nx', /^HTTP\/1.1 400 /],
      ['POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nx', /^HTTP\/1.1 400 /],
      ['POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\nx', /^HTTP\/1.1 400 /],
      ['TRACE / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n', /^HTTP\/1.1 501 /],
      [`GET /${'x'.repeat(20_000)} HTTP/1.1\r\nHost: a\r\n\r\n`, /^HTTP\/1.1 431 /],
      [`GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n${'A: b\r\n'.repeat(70)}\r\n`, /^HTTP\/1.1 431 /],
    ];
    for (const [text, answer] of nonsense) {
      const heard = await say(here(), text, { end: text.includes('Length') || text.includes('http:') });
      assert.match(heard, answer, JSON.stringify(text.slice(0, 40)));
      assert.match(heard, /application\/problem\+json/);
    }
    assert.equal((await get()).body, 'write');
  });

  it('answers a client that has shut down its half', async () => {
    await doors.open({ fetch: () => delay(50).then(() => new Response('late')) });
    assert.match(await say(here(), GET, { end: true }), /^HTTP\/1.1 200 OK.*late$/s);
    assert.equal(await say(here(), '', { end: true }), '');
  });

  it('lets go of a client that has shut down its half when the answer does not come', async () => {
    await doors.open({ fetch: () => new Promise<Response>(() => {}) });
    assert.equal(await say(here(), GET, { end: true }), '');
  });

  it('waits for headers and bodies as long as is said, and not longer', async () => {
    await doors.open({ limits: { headerMs: 100, requestMs: 300 }, fetch: echo });
    assert.match(await say(here(), ''), /^HTTP\/1.1 408 /);
    assert.match(await say(here(), 'GET / HTTP/1.1\r\nHost: '), /^HTTP\/1.1 408 /);
    const drip = await dial(here());
    drip.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n');
    const dripping = setInterval(() => drip.write('x'), 20);
    await gone(drip.resume());
    clearInterval(dripping);
  });

  it('takes bodies up to the limit, whether their length is told or not, and says so to the client', async () => {
    await doors.open({ limits: { bodyBytes: 100_000 }, fetch: echo });
    const chunked = { 'Transfer-Encoding': 'chunked' };
    for (const headers of [{}, chunked, { Expect: '100-continue' }]) {
      assert.equal((await post('x'.repeat(100_000), headers)).body.length, 100_000, JSON.stringify(headers));
      assert.equal((await post('x'.repeat(100_001), headers)).status, 413, JSON.stringify(headers));
    }
    // Much of it has not been read when the answer comes.
    assert.equal((await post(Buffer.alloc(8_000_000), chunked)).status, 413);
  });

  it('holds bodies up to the limit of all, and gives the room back', async () => {
    const held: (() => void)[] = [];
    const limits = { bodyBytes: 100_000, bodyBytesInAll: 150_000 };
    await doors.open({
      limits,
      fetch: async (request) => {
        const text = await request.text();
        if (request.url.endsWith('/hold')) await new Promise<void>((resolve) => held.push(resolve));
        return new Response(`${text.length}`);
      },
    });
    const holding = ask({ socketPath: doors.path, path: '/hold', method: 'POST', body: 'x'.repeat(100_000) });
    await eventually(
      async () => held.length,
      (length) => length === 1,
      'it holds',
    );
    const refused = await post('x'.repeat(100_000));
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    held[0]?.();
    assert.equal((await holding).body, '100000');
    assert.equal((await post('x'.repeat(100_000))).body, '100000');
  });

  it('answers so many requests at once, for one peer and for one connection', async () => {
    const held: (() => void)[] = [];
    await doors.open({
      limits: { requestsPerPeer: 3, requestsPerClient: 2 },
      fetch: () => new Promise((resolve) => held.push(() => resolve(new Response('held')))),
    });
    const pipelined = await dial(here());
    let heard = '';
    pipelined.setEncoding('utf8').on('data', (chunk) => {
      heard += chunk;
    });
    pipelined.write(GET.repeat(5));
    await eventually(
      async () => held.length,
      (length) => length === 2,
      'two of the five are answered',
    );
    const third = get();
    await eventually(
      async () => held.length,
      (length) => length === 3,
      'another client is answered',
    );
    const refused = await get();
    assert.deepEqual([refused.status, refused.headers['retry-after']], [429, '1']);
    for (const release of held) release();
    assert.equal((await third).body, 'held');
    await gone(pipelined);
    assert.deepEqual(heard.match(/HTTP\/1.1 \d+/g), ['HTTP/1.1 200', 'HTTP/1.1 200', 'HTTP/1.1 429']);
    const after = get();
    await eventually(
      async () => held.length,
      (length) => length === 4,
      'there is room again',
    );
    held[3]?.();
    assert.equal((await after).status, 200);
  });

  it('lets clients in up to the limit: the longest idle one gives way, a busy one does not', async () => {
    const held: (() => void)[] = [];
    await doors.open({
      limits: { clientsPerPeer: 2, clients: 2 },
      fetch: () => new Promise((resolve) => held.push(() => resolve(new Response('held')))),
    });
    const idle = [await dial(here()), await dial(here())];
    await delay(20);
    const busy = get();
    await gone(idle[0] as Socket);
    await eventually(
      async () => held.length,
      (length) => length === 1,
      'it is busy',
    );
    const other = get();
    await gone(idle[1] as Socket);
    await eventually(
      async () => held.length,
      (length) => length === 2,
      'both are busy',
    );
    const refused = await get();
    assert.deepEqual([refused.status, refused.headers['retry-after']], [503, '1']);
    for (const release of held) release();
    assert.deepEqual([(await busy).status, (await other).status], [200, 200]);
  });

  it('bears a thousand idle clients, and still answers', async () => {
    await doors.open({ limits: { clientsPerPeer: 256, clientsPerSecond: 10_000 } });
    const idle: Socket[] = [];
    // The kernel refuses more than it may keep until they are accepted.
    for (; idle.length < 1000; await delay(5))
      idle.push(...(await Promise.all(Array.from({ length: 50 }, () => dial(here())))));
    assert.equal((await get()).body, 'write');
    await eventually(
      async () => idle.filter((each) => !each.closed).length,
      (left) => left <= 256,
      'few are left',
    );
    for (const socket of idle) socket.destroy();
    assert.equal((await get()).body, 'write');
  });

  it('cuts readers that do not read, and cancels what they would have got', async () => {
    let pulls = 0;
    let isCancelled = false;
    const endless = () =>
      new ReadableStream({
        pull: (controller) => {
          pulls++;
          controller.enqueue(Buffer.alloc(65536));
        },
        cancel: () => {
          isCancelled = true;
        },
      });
    await doors.open({ limits: { stalledMs: 200 }, fetch: () => new Response(endless()) });
    const reader = await dial(here());
    reader.pause().write(GET);
    await eventually(async () => isCancelled, Boolean, 'the stream is cancelled');
    assert.ok(pulls < 100, `${pulls} chunks were made for a client that does not read`);
    reader.destroy();
  });

  it('tells the application when a client is gone, or it took too long', async () => {
    const reasons: string[] = [];
    const fetch = (request: Request) =>
      new Promise<Response>(() =>
        request.signal.addEventListener('abort', () => reasons.push(request.signal.reason.code)),
      );
    const door = await doors.open({ fetch });
    const client = await dial(here());
    client.write(GET);
    await delay(50);
    global.gc?.();
    client.destroy();
    await eventually(
      async () => reasons.join(),
      (all) => all === 'ERR_TUNVS_CLOSED',
      'it is told',
    );
    await door.close();
    await doors.open({ limits: { answerMs: 100 }, fetch });
    const late = await get();
    assert.deepEqual([late.status, late.headers['retry-after']], [503, '1']);
    assert.deepEqual(reasons, ['ERR_TUNVS_CLOSED', 'ERR_TUNVS_LIMIT']);
  });

  it('sends the head of a stream before the stream says anything, and each piece as it comes', async () => {
    let push = (_: string) => {};
    const body = new ReadableStream({
      start: (controller) => {
        push = (text) => controller.enqueue(Buffer.from(text));
      },
    });
    await doors.open({ fetch: () => new Response(body, { headers: { 'content-type': 'text/event-stream' } }) });
    const client = (await dial(here())).setEncoding('utf8');
    client.write(GET);
    assert.match((await once(client, 'data'))[0], /^HTTP\/1.1 200.*event-stream/s);
    push('data: 1\n\n');
    assert.match((await once(client, 'data'))[0], /data: 1\n\n/);
    client.destroy();
  });

  it('makes a 500 of what the application throws, and cuts an answer that fails half way', async () => {
    const half = () =>
      new ReadableStream({
        start: (controller) => controller.enqueue(Buffer.from('half')),
        pull: () => delay(20).then(() => Promise.reject(new Error('no more'))),
      });
    await doors.open({
      fetch: (request) => {
        if (request.url.endsWith('/half')) return new Response(half());
        throw new Error('a bug');
      },
    });
    const failed = await get();
    assert.equal(failed.status, 500);
    assert.ok(!failed.body.includes('a bug'));
    await assert.rejects(ask({ socketPath: doors.path, path: '/half' }), { code: 'ECONNRESET' });
  });

  it('hands on method, path, headers and body, and back status, headers and cookies', async () => {
    await doors.open({
      fetch: async (request) =>
        Response.json(
          [request.method, new URL(request.url).pathname, request.headers.get('if-match'), await request.text()],
          {
            status: 201,
            headers: [
              ['set-cookie', 'a=1'],
              ['set-cookie', 'b=2'],
              ['etag', '"7"'],
            ],
          },
        ),
    });
    const answer = await ask({
      socketPath: doors.path,
      method: 'PATCH',
      path: '//x/%20?q',
      headers: { 'If-Match': '"6"' },
      body: 'ü',
    });
    assert.deepEqual(JSON.parse(answer.body), ['PATCH', '//x/%20', '"6"', 'ü']);
    assert.equal(answer.status, 201);
    assert.equal(answer.headers.etag, '"7"');
    assert.deepEqual(answer.headers['set-cookie'], ['a=1', 'b=2']);
    assert.equal(answer.headers['content-length'], `${Buffer.byteLength(answer.body)}`);
    assert.equal((await ask({ socketPath: doors.path, method: 'HEAD' })).body, '');
  });

  it('refuses what a page of a browser would write', async () => {
    await doors.open();
    const headers = { Origin: 'http://evil.example' };
    assert.equal((await ask({ socketPath: doors.path, method: 'POST', headers })).status, 403);
    assert.equal((await ask({ socketPath: doors.path, headers })).status, 200);
  });

  for (const [what, fetch] of Object.entries({
    'that wait for an answer': () => new Promise<Response>(() => {}),
    'of endless streams': () =>
      new Response(new ReadableStream({ pull: () => delay(2 ** 30, undefined, { ref: false }) })),
    'that do not read': () =>
      new Response(new ReadableStream({ pull: (controller) => controller.enqueue(Buffer.alloc(65536)) })),
  }))
    it(`closes within a second beside clients ${what}`, async () => {
      const door = await doors.open({ fetch });
      const clients = await Promise.all(Array.from({ length: 50 }, () => dial(here())));
      for (const client of clients) client.pause().write(GET);
      await dial(here());
      (await dial(here())).write('GET / HT');
      await delay(50);
      const closed = await Promise.race([door.close().then(() => true), delay(1000, false)]);
      assert.ok(closed, 'it has not closed');
      for (const client of clients) client.destroy();
      await assert.rejects(get());
    });

  it('lets requests finish that take no longer than half a second', async () => {
    const door = await doors.open({ fetch: () => delay(100).then(() => new Response('done')) });
    const answer = get();
    await delay(30);
    await door.close();
    assert.equal((await answer).body, 'done');
  });

  it('uses no more memory after many bad clients than after few', async function () {
    this.timeout(60_000);
    await doors.open({ fetch: echo, limits: { clientsPerSecond: 10_000, requestsPerSecond: 10_000, loopShare: 1 } });
    const agent = new Agent({ keepAlive: true });
    const misbehave = async () => {
      for (let round = 0; round < 10; round++)
        await Promise.all([
          ...Array.from({ length: 10 }, () => say(here(), 'nonsense\r\n\r\n')),
          ...Array.from({ length: 20 }, () => dial(here()).then((client) => client.destroy())),
          ...Array.from({ length: 10 }, () =>
            ask({ socketPath: doors.path, agent, method: 'POST', body: 'x'.repeat(1000) }),
          ),
        ]);
      await delay(50);
      global.gc?.();
      return process.memoryUsage().heapUsed;
    };
    for (let warm = 0; warm < 3; warm++) await misbehave();
    const before = await misbehave();
    for (let more = 0; more < 3; more++) await misbehave();
    const after = await misbehave();
    agent.destroy();
    // Without a collector at hand the heap holds garbage too, so this sees only what really grows.
    const roomBytes = global.gc ? 1_000_000 : 40_000_000;
    assert.ok(after - before < roomBytes, `${after - before} bytes more`);
  });
});

describe('the census', () => {
  it('lets a peer begin so many requests in a second, whatever connections it makes', () => {
    const census = new Census({ ...checkedLimits({ requestsPerSecond: 10 }) });
    const waits = Array.from({ length: 30 }, () => {
      const socket = {} as Socket;
      census.admit(socket, 'user 7', 5000);
      const begun = census.begin(socket, 5000);
      assert.ok(typeof begun !== 'string');
      begun.end();
      census.leave(socket);
      return begun.waitMs;
    });
    assert.deepEqual(waits.slice(0, 11), Array(11).fill(0));
    assert.deepEqual(waits.slice(11, 14), [100, 200, 300]);
    const other = {} as Socket;
    census.admit(other, 'user 8', 5000);
    const begun = census.begin(other, 5000);
    assert.ok(typeof begun !== 'string');
    assert.equal(begun.waitMs, 0);
    assert.equal(census.requests, 1);
    census.leave(other);
    assert.ok(begun.gone.aborted);
    begun.end();
    begun.end();
    assert.equal(census.requests, 0);
  });
});

describe('the census, of clients,', () => {
  it('hears so many of one peer in a second, and others at once', () => {
    const census = new Census(checkedLimits({ clientsPerSecond: 10, clientsPerPeer: 20 }));
    const comers = () => ({ destroy: () => {} }) as unknown as Socket;
    const waits = Array.from({ length: 14 }, () => census.admit(comers(), 'user 7', 5000));
    assert.deepEqual(waits, [...Array(11).fill(0), 100, 200, 300]);
    assert.equal(census.admit(comers(), 'user 8', 5000), 0);
    assert.equal(census.admit(comers(), 'user 7', 7000), 0);
  });
});

describe('the summary of a door', () => {
  it('says once what was refused many times, with the first failure', async () => {
    const said: string[] = [];
    const log = {
      info: () => {},
      error: () => {},
      warn: (_: string, __?: object, sentence?: string) => void said.push(sentence ?? ''),
    };
    const summary = new Summary(log, 20);
    for (let time = 0; time < 1000; time++) summary.count('malformed requests');
    summary.failed(new Error('a bug'));
    summary.failed(new Error('another'));
    await eventually(
      async () => said.length,
      (length) => length > 0,
      'it is said',
    );
    summary.say();
    assert.deepEqual(said, [
      'the control server refused or failed in the last minute: 1000 malformed requests, 2 requests that failed; ' +
        'the first failure: a bug',
    ]);
  });
});
