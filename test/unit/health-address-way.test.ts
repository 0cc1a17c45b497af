import { strict as assert } from 'node:assert';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import type { AddressInfo, Socket } from 'node:net';
import { CheckFailure, type FailureReason } from '../../lib/health/checks/check.js';
import { socketFailure } from '../../lib/health/checks/socket-failure.js';
import { tcpCheck } from '../../lib/health/checks/tcp.js';
import { addressWay } from '../../lib/health/way/address-way.js';
import { connectSocket } from '../../lib/health/way/connect-socket.js';
import { findingOf, freePort, leavesNothingOpen, serve } from '../support/checked.js';

const never = new AbortController().signal;

describe("the way to the server's own address", () => {
  it('connects, and a check by TCP ends the connection by a reset', async () => {
    let ended: Promise<unknown> | undefined;
    await using server = await serve((socket: Socket) => {
      ended = once(socket, 'error');
    });
    assert.deepEqual(await findingOf(tcpCheck(), server.port), { passed: true, message: 'connected' });
    while (ended === undefined) await new Promise(setImmediate);
    const [error] = (await ended) as [NodeJS.ErrnoException];
    assert.equal(error.code, 'ECONNRESET');
  });

  it('connects to the port that the check says', async () => {
    await using server = await serve(() => {});
    assert.equal((await findingOf(tcpCheck({ port: server.port }), 1)).passed, true);
  });

  it('says that nobody listens, with the mend', () =>
    leavesNothingOpen(async () => {
      const finding = await findingOf(tcpCheck(), await freePort());
      assert.equal(finding.reason, 'refused');
      assert.equal(finding.message, 'connection refused');
      assert.match(String(finding.mend), /^Start the program that listens/);
    }));

  it('rejects with the reason of the signal, before and after it has begun', () =>
    leavesNothingOpen(async () => {
      const over = new DOMException('over', 'TimeoutError');
      const controller = new AbortController();
      const begun = connectSocket({ host: '127.0.0.1', port: await freePort() }, controller.signal);
      controller.abort(over);
      await assert.rejects(begun, (error) => error === over);
      const way = addressWay({ address: '127.0.0.1', port: 1 });
      await assert.rejects(way.connect(controller.signal), (error) => error === over);
      await assert.rejects(way.datagrams(controller.signal), (error) => error === over);
    }));

  it('survives a reset that comes while nobody listens', async () => {
    const taken: Socket[] = [];
    await using server = await serve((socket) => taken.push(socket));
    const socket = await addressWay({ address: '127.0.0.1', port: server.port }).connect(never);
    while (taken.length === 0) await new Promise(setImmediate);
    taken[0]?.resetAndDestroy();
    // Reading is what makes the stream see the reset.
    socket.resume();
    await new Promise((closed) => socket.on('close', closed));
    assert.equal(socket.errored?.message, 'read ECONNRESET');
  });
});

describe("datagrams to the server's own address", () => {
  async function echo() {
    const socket = createSocket('udp4');
    socket.on('message', (datagram, { port, address }) => {
      for (const byte of datagram) socket.send(Buffer.of(byte), port, address);
    });
    socket.bind(0, '127.0.0.1');
    await once(socket, 'listening');
    return Object.assign(socket, { port: (socket.address() as AddressInfo).port });
  }

  it('are sent, and come in their order', () =>
    leavesNothingOpen(async () => {
      const server = await echo();
      using datagrams = await addressWay({ address: '127.0.0.1', port: server.port }).datagrams(never);
      datagrams.send(Buffer.from('ab'));
      assert.equal(String(await datagrams.receive(never)), 'a');
      assert.equal(String(await datagrams.receive(never)), 'b');
      server.close();
    }));

  it('tell that nobody listens', () =>
    leavesNothingOpen(async () => {
      const server = await echo();
      const { port } = server;
      server.close();
      await once(server, 'close');
      using datagrams = await addressWay({ address: '127.0.0.1', port }).datagrams(never);
      datagrams.send(Buffer.from('x'));
      await assert.rejects(datagrams.receive(never), { name: 'CheckFailure', reason: 'refused' });
    }));

  it('end with the signal, and may be disposed of twice', () =>
    leavesNothingOpen(async () => {
      const server = await echo();
      using datagrams = await addressWay({ address: '127.0.0.1', port: server.port }).datagrams(never);
      const controller = new AbortController();
      const received = datagrams.receive(controller.signal);
      controller.abort();
      await assert.rejects(received, { name: 'AbortError' });
      datagrams[Symbol.dispose]();
      await assert.rejects(datagrams.receive(never), { reason: 'failed' });
      server.close();
    }));

  it('keep a bounded number of a flood', async () => {
    const server = await echo();
    using datagrams = await addressWay({ address: '127.0.0.1', port: server.port }).datagrams(never);
    datagrams.send(Buffer.alloc(100, 'x'));
    // The last answer has come when another socket's has, for the server answers in order.
    using after = await addressWay({ address: '127.0.0.1', port: server.port }).datagrams(never);
    after.send(Buffer.from('y'));
    await after.receive(never);
    for (let turn = 0; turn < 10; turn++) await new Promise(setImmediate);
    const received = async () => {
      for (let count = 0; ; count++) {
        const none = new AbortController();
        const next = datagrams.receive(none.signal);
        none.abort();
        if ((await next.catch(() => undefined)) === undefined) return count;
      }
    };
    assert.equal(await received(), 32);
    server.close();
  });
});

describe('errors of sockets', () => {
  const table: [code: string | undefined, reason: FailureReason][] = [
    ['ECONNREFUSED', 'refused'],
    ['EHOSTUNREACH', 'unreachable'],
    ['ENETUNREACH', 'unreachable'],
    ['EACCES', 'unreachable'],
    ['ETIMEDOUT', 'timeout'],
    ['ECONNRESET', 'closed'],
    ['EPIPE', 'closed'],
    ['EMFILE', 'failed'],
    ['EADDRNOTAVAIL', 'failed'],
    ['toString', 'failed'],
    [undefined, 'failed'],
  ];
  for (const [code, reason] of table)
    it(`stand for a reason: ${code} is ${reason}`, () =>
      assert.equal(socketFailure(Object.assign(new Error('x'), code === undefined ? {} : { code })).reason, reason));

  it('keep what they are when they are failures already, and their cause otherwise', () => {
    const failure = new CheckFailure('wrong answer', 'x');
    assert.equal(socketFailure(failure), failure);
    const error = new Error('x');
    assert.equal(socketFailure(error).cause, error);
    assert.equal(socketFailure(undefined).reason, 'failed');
  });
});
