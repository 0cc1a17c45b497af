/** A control server on TCP: tokens, and what browsers may be made to do. */
import { strict as assert } from 'node:assert';
import { chmodSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { problemType } from '../../lib/control/problem.js';
import { remoteCaller } from '../../lib/control/door/callers.js';
import { type Answer, ask, Doors, say } from '../support/door-client.js';

const READ = 'read-0123456789abcdef';
const WRITE = 'write-0123456789abcdef';

describe('a door on TCP', () => {
  let doors: Doors;

  beforeEach(() => {
    doors = new Doors();
  });

  afterEach(async () => {
    await doors.dispose();
  });

  const tokens = { read: READ, write: WRITE };
  const openHttp = async (http = {}) => {
    const door = await doors.open({ http: { host: '127.0.0.1', port: 0, ...http } });
    const { port } = new URL(door.addresses.http ?? '');
    return { door, port: Number(port) };
  };
  const get = (port: number, token?: string, headers = {}): Promise<Answer> =>
    ask({ port, host: '127.0.0.1', headers: { ...(token && { Authorization: `Bearer ${token}` }), ...headers } });

  it('gives what a token gives, and nothing but what is for all without one', async () => {
    const { port } = await openHttp({ tokens });
    assert.deepEqual((await get(port)).body, 'none');
    assert.deepEqual((await get(port, READ)).body, 'read');
    assert.deepEqual((await get(port, WRITE)).body, 'write');
    for (const authorization of [
      `Bearer ${READ}x`,
      'Bearer',
      'Bearer ',
      `Basic ${WRITE}`,
      `Bearer ${WRITE} ${WRITE}`,
    ]) {
      const { status, headers, body } = await get(port, undefined, { Authorization: authorization });
      assert.equal(status, 401, authorization);
      const { type, code } = JSON.parse(body) as Record<string, string>;
      assert.deepEqual([type, code], [problemType('ERR_TUNVS_PERMISSION'), 'ERR_TUNVS_PERMISSION']);
      assert.equal(headers['www-authenticate'], 'Bearer realm="tunvs", error="invalid_token"');
    }
  });

  it('tells whom the application refuses how to show a token', async () => {
    const door = await doors.open({
      fetch: () => new Response(null, { status: 401 }),
      http: { host: '127.0.0.1', port: 0, tokens },
    });
    const { headers } = await get(Number(new URL(door.addresses.http ?? '').port));
    assert.equal(headers['www-authenticate'], 'Bearer realm="tunvs"');
  });

  it('takes several tokens, from files too, which it reads again when they have changed', async () => {
    const file = join(doors.folder, 'token');
    const put = (text: string, mode: number) => {
      writeFileSync(file, text);
      chmodSync(file, mode);
    };
    put(`${WRITE}\n`, 0o600);
    const { door, port } = await openHttp({ tokens: { read: [READ, `${READ}-2`], write: { file } } });
    assert.deepEqual((await get(port, `${READ}-2`)).body, 'read');
    assert.deepEqual((await get(port, WRITE)).body, 'write');
    put('another-0123456789abcdef', 0o640);
    assert.deepEqual((await get(port, WRITE)).status, 401);
    assert.deepEqual((await get(port, 'another-0123456789abcdef')).body, 'write');
    put(WRITE, 0o644);
    assert.deepEqual((await get(port, WRITE)).status, 401);
    assert.deepEqual((await get(port, 'another-0123456789abcdef')).body, 'write');
    assert.equal(doors.said.filter((each) => each.includes('the tokens stay as they are')).length, 1);
    assert.throws(() => door.reloadTokens(), /has mode 644, so any user knows it: chmod 600/);
    assert.deepEqual((await get(port, 'another-0123456789abcdef')).body, 'write');
  });

  it('refuses tokens that can be guessed or not sent, without showing them', async () => {
    for (const bad of ['', 'short', 'has spaces 0123456789', 'ünïcode-0123456789abcdef']) {
      const error = await openHttp({ tokens: { write: bad } }).then(
        () => assert.fail('it was taken'),
        (thrown: Error) => thrown,
      );
      assert.match(error.message, /http\.tokens\.write: expected a token of at least 16/);
      assert.ok(bad === '' || !error.message.includes(bad));
    }
    for (const file of ['/nowhere/token', '/dev/zero', doors.folder])
      await assert.rejects(openHttp({ tokens: { read: { file } } }), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        option: 'http.tokens.read',
      });
  });

  it('listens for other hosts only with a token', async () => {
    for (const host of ['0.0.0.0', '::'])
      await assert.rejects(openHttp({ host }), {
        option: 'http.host',
        message: /can be reached from other hosts, and there is no token: give http\.tokens/,
      });
    const { port } = await openHttp({ host: '0.0.0.0', tokens: { read: READ } });
    assert.equal((await get(port, READ)).body, 'read');
    assert.equal((await get((await openHttp({ host: 'localhost' })).port)).status, 200);
  });

  it('answers to addresses and to its own names, not to a page that turned its name to our address', async () => {
    const { port } = await openHttp({ names: ['Director.example'] });
    const statusOf = async (host: string) => (await get(port, undefined, { Host: host })).status;
    for (const host of [
      '127.0.0.1',
      `127.0.0.1:${port}`,
      'localhost',
      `LOCALHOST:1`,
      '[::1]:80',
      hostname(),
      'director.example',
    ])
      assert.equal(await statusOf(host), 200, host);
    for (const host of ['evil.example', 'localhost.evil.example', '127.0.0.1.evil.example', '[evil]', 'a:b:c', '127.1'])
      assert.equal(await statusOf(host), 421, host);
    const twice = await say({ port, host: '127.0.0.1' }, 'GET / HTTP/1.1\r\nHost: localhost\r\nHost: evil\r\n\r\n');
    assert.match(twice, /^HTTP\/1.1 400 /);
  });

  it('lets no page of another origin write, and tells none that it may', async () => {
    const { port } = await openHttp({ tokens });
    const headers = { Origin: 'http://127.0.0.1', Authorization: `Bearer ${WRITE}` };
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE'])
      assert.equal((await ask({ port, host: '127.0.0.1', method, headers })).status, 403, method);
    const preflight = await ask({ port, host: '127.0.0.1', method: 'OPTIONS', headers });
    assert.equal(preflight.headers['access-control-allow-origin'], undefined);
  });

  it('says what is wrong with an address or a port', async () => {
    const other = createServer().listen(0, '127.0.0.1');
    await once(other, 'listening');
    await assert.rejects(openHttp({ port: (other.address() as AddressInfo).port }), {
      code: 'ERR_TUNVS_BUSY',
      message: /choose another port, or end what listens there/,
    });
    other.close();
    await assert.rejects(openHttp({ host: '192.0.2.1', tokens }), { option: 'http.host' });
    await assert.rejects(openHttp({ port: 65536 }), { option: 'http.port' });
    await assert.rejects(openHttp({ token: READ }), { option: 'token' });
  });

  it('counts clients by their address, and those of an IPv6 network as one', () => {
    const peerOf = (remoteAddress: string) => remoteCaller({ remoteAddress } as never).peer;
    assert.equal(peerOf('192.0.2.1'), '192.0.2.1');
    assert.equal(peerOf('::ffff:192.0.2.1'), '192.0.2.1');
    assert.equal(peerOf('2001:db8::1'), peerOf('2001:db8::2:3'));
    assert.notEqual(peerOf('2001:db8::1'), peerOf('2001:db8:0:1::1'));
    assert.equal(peerOf('fe80::1%eth0'), peerOf('fe80::2%eth0'));
  });
});
