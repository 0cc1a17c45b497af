import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { CheckFailure } from '../../lib/health/checks/check.js';
import { tcpCheck } from '../../lib/health/checks/tcp.js';
import { addressWay } from '../../lib/health/way/address-way.js';
import { knock } from '../../lib/health/way/knock.js';
import { native } from '../../lib/native/addon.js';
import { findingOf, freePort } from '../support/checked.js';

const HOST = '127.0.0.1';
const never = new AbortController().signal;

describe('a knock', () => {
  let server: Server;
  let port: number;
  let taken: Socket[];

  beforeEach(async () => {
    taken = [];
    server = createServer((socket) => taken.push(socket.on('error', () => {})));
    await once(server.listen(0, HOST), 'listening');
    port = (server.address() as AddressInfo).port;
  });

  afterEach(() => {
    for (const socket of taken) socket.destroy();
    server.close();
  });

  it('is taken, and its own end is free for the next', async () => {
    for (let times = 0; times < 3; times += 1)
      await knock({ host: HOST, port, localAddress: '127.0.0.7', localPort: 47_401 }, never);
    while (taken.length < 3) await new Promise(setImmediate);
  });

  it('is many at once', async () => {
    await Promise.all(Array.from({ length: 300 }, () => knock({ host: HOST, port }, never)));
    while (taken.length < 300) await new Promise(setImmediate);
  });

  it('is refused where nobody listens, over IPv6 as well', async () => {
    const nobody = await freePort();
    await assert.rejects(knock({ host: HOST, port: nobody }, never), { name: 'CheckFailure', reason: 'refused' });
    await assert.rejects(knock({ host: '::1', port: nobody }, never), { name: 'CheckFailure', reason: 'refused' });
  });

  it('says by its cause what kept it from beginning', async () => {
    const because = (code: string) => (error: CheckFailure) => {
      const { cause, isOwnFault } = error;
      assert.deepEqual({ ...(cause as object) }, { code, syscall: 'bind' });
      return isOwnFault;
    };
    const busy = { host: HOST, port, localAddress: HOST, localPort: port };
    await assert.rejects(knock(busy, never), because('EADDRINUSE'));
    const foreign = { host: HOST, port, localAddress: '192.0.2.1' };
    await assert.rejects(knock(foreign, never), because('EADDRNOTAVAIL'));
    await assert.rejects(knock({ host: 'nowhere', port }, never), { name: 'CheckFailure', reason: 'failed' });
  });

  it('ends with the reason of its signal, before and after it has begun', async () => {
    const over = new Error('over');
    const controller = new AbortController();
    const begun = knock({ host: HOST, port, localAddress: HOST, localPort: 47_402 }, controller.signal);
    controller.abort(over);
    await assert.rejects(begun, (error) => error === over);
    await assert.rejects(knock({ host: HOST, port }, controller.signal), (error) => error === over);
    await knock({ host: HOST, port, localAddress: HOST, localPort: 47_402 }, never);
  });

  it('is what a check by TCP makes, and a way without it is connected to', async () => {
    const way = addressWay({ address: HOST, port });
    const { knock: itsKnock, ...withoutKnock } = way;
    assert.ok(itsKnock);
    assert.equal(addressWay({ address: 'localhost', port }).knock, undefined);
    assert.equal((await findingOf(tcpCheck(), port)).passed, true);
    const context = { server: { address: HOST, port, service: { protocol: 'tcp', address: HOST, port } } };
    assert.equal((await tcpCheck().run({ ...context, way: withoutKnock, signal: never })).passed, true);
    while (taken.length < 2) await new Promise(setImmediate);
  });
});

describe('the native knocks', () => {
  it('refuse what is no address, and everything once they are closed', () => {
    assert.throws(() => new native.Knocker(1 as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    const knocker = new native.Knocker(() => {});
    assert.throws(() => knocker.knock('nowhere', 1), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    assert.throws(() => knocker.knock(HOST, '1' as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    assert.throws(() => knocker.knock(HOST, 1, 'here', 0), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    knocker.cancel(7);
    knocker.close();
    knocker.close();
    knocker.cancel(7);
    assert.throws(() => knocker.knock(HOST, 1), { code: 'ERR_TUNVS_CLOSED' });
  });
});
