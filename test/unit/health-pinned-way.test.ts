/** The pinned way's pins, ports and sockets: each ends with the other, whatever happens. */
import { strict as assert } from 'node:assert';
import { createSocket } from 'node:dgram';
import { readdirSync, readlinkSync } from 'node:fs';
import { once } from 'node:events';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { PinnedFlow, PinReport } from '../../lib/director/pin.js';
import { CheckFailure } from '../../lib/health/checks/check.js';
import { connectDatagrams } from '../../lib/health/way/connect-datagrams.js';
import { connectSocket } from '../../lib/health/way/connect-socket.js';
import { knock } from '../../lib/health/way/knock.js';
import type { WayEvidence } from '../../lib/health/way/evidence.js';
import { PinnedWay, type PinnedWayBacking } from '../../lib/health/way/pinned-way.js';
import { SourcePorts } from '../../lib/health/way/source-ports.js';
import { TunvsError } from '../../lib/values/errors.js';
import { freePort } from '../support/checked.js';
import { eventuallyHolds } from '../support/eventually.js';

const HOST = '127.0.0.1';
const FOREVER = new AbortController().signal;

/** Loopback in place of the tunnel: a pin does nothing but count. */
class Stage {
  readonly ports = new SourcePorts({ first: 47_301, last: 47_308 });
  readonly pinned: PinnedFlow[] = [];
  released = 0;
  refusals: Error[] = [];
  source: string | undefined = HOST;
  sourcesGone = 0;
  report: PinReport = { packets: 3, bytes: 120, kept: {} };
  readonly way: PinnedWay;

  constructor(port: number, more: Partial<PinnedWayBacking> = {}) {
    this.way = new PinnedWay(
      { address: HOST, port, prefix: HOST },
      {
        ports: this.ports,
        pin: (flow) => {
          const refusal = this.refusals.shift();
          if (refusal) throw refusal;
          this.pinned.push(flow);
          return { report: () => this.report, release: () => (this.released += 1) };
        },
        source: () => this.source,
        sourceGone: () => (this.sourcesGone += 1),
        options: { ttlMs: 1000, hopLimit: 255 },
        connectSocket,
        knock,
        connectDatagrams,
        ...more,
      },
    );
  }

  assertAllGivenBack(): void {
    assert.equal(this.released, this.pinned.length);
    assert.equal(this.ports.free, this.ports.size);
  }
}

describe('the pinned way', () => {
  let server: Server;
  let port: number;
  let accepted: Socket[];

  before(async () => {
    accepted = [];
    server = createServer((socket) => accepted.push(socket.on('error', () => {})));
    await once(server.listen(0, HOST), 'listening');
    port = (server.address() as AddressInfo).port;
  });

  after(() => {
    for (const socket of accepted) socket.destroy();
    server.close();
  });

  it('pins the flow before it connects, and gives all back when the socket closes', async () => {
    const stage = new Stage(port);
    const socket = await stage.way.connect(FOREVER);
    const flow = { protocol: 'tcp', sourceAddress: HOST, sourcePort: 47_301, virtualAddress: HOST, virtualPort: port };
    assert.deepEqual(stage.pinned, [flow]);
    assert.deepEqual([socket.localAddress, socket.localPort], [HOST, 47_301]);
    assert.deepEqual([stage.released, stage.ports.free], [0, 7]);
    socket.resetAndDestroy();
    await once(socket, 'close');
    stage.assertAllGivenBack();
    assert.deepEqual(stage.way.evidence(), { flows: 1, packets: 3, kept: {}, isAnswered: true, source: HOST });
  });

  it('does so when the connection is refused, and when the check is over first', async () => {
    const closed = createServer();
    await once(closed.listen(0, HOST), 'listening');
    const nobody = (closed.address() as AddressInfo).port;
    await new Promise((resolve) => closed.close(resolve));
    const refused = new Stage(nobody);
    await assert.rejects(refused.way.connect(FOREVER), { name: 'CheckFailure', reason: 'refused' });
    refused.assertAllGivenBack();

    const over = new AbortController();
    const late = new Stage(port);
    const connecting = late.way.connect(over.signal);
    over.abort(new Error('too late'));
    await assert.rejects(connecting, /too late/);
    late.assertAllGivenBack();
    await assert.rejects(late.way.connect(over.signal), /too late/);
    assert.equal(late.pinned.length, 1);
  });

  it('gives all back when a knock is taken, refused or over, and goes on to the next port', async () => {
    const stage = new Stage(port);
    const blocked = createServer();
    await once(blocked.listen(47_301, HOST), 'listening');
    await stage.way.knock(FOREVER);
    blocked.close();
    assert.deepEqual(
      stage.pinned.map(({ sourcePort }) => sourcePort),
      [47_301, 47_302],
    );
    stage.assertAllGivenBack();
    assert.deepEqual([stage.way.evidence().flows, stage.way.evidence().isAnswered], [2, true]);
    const over = new AbortController();
    const late = stage.way.knock(over.signal);
    over.abort(new Error('too late'));
    await assert.rejects(late, /too late/);
    stage.assertAllGivenBack();
    await assert.rejects(stage.way.knock(FOREVER, { port: await freePort() }), { reason: 'refused' });
    stage.assertAllGivenBack();
  });

  it('keeps no descriptor of a connection whose end is on its way out', async () => {
    const stage = new Stage(port);
    const sockets = () => readdirSync('/proc/self/fd').filter(isClientSocket).length;
    const isClientSocket = (fd: string) => {
      try {
        return readlinkSync(`/proc/self/fd/${fd}`).startsWith('socket:');
      } catch {
        return false;
      }
    };
    const before = sockets();
    for (let n = 0; n < 5; n += 1) {
      const socket = await stage.way.connect(FOREVER);
      socket.end();
      stage.way[Symbol.dispose]();
      await once(socket, 'close');
    }
    await eventuallyHolds(async () => {
      for (const each of accepted.splice(0)) each.destroy();
      assert.ok(sockets() <= before, `${sockets()} of ${before}`);
    });
    stage.assertAllGivenBack();
  });

  it('closes what a check has left open', async () => {
    const stage = new Stage(port);
    const first = await stage.way.connect(FOREVER);
    const second = await stage.way.connect(FOREVER);
    assert.notEqual(first.localPort, second.localPort);
    stage.way[Symbol.dispose]();
    await eventuallyHolds(async () => assert.ok(first.destroyed && second.destroyed));
    await eventuallyHolds(async () => stage.assertAllGivenBack());
    stage.way[Symbol.dispose]();
  });

  it('goes on to the next port when another socket or connection has one', async () => {
    const taken = createServer();
    await once(taken.listen(47_301, HOST), 'listening');
    const stage = new Stage(port);
    stage.refusals = [];
    const socket = await stage.way.connect(FOREVER);
    assert.equal(socket.localPort, 47_302);
    stage.refusals = [new TunvsError('ERR_TUNVS_EXISTS', 'this flow has a connection')];
    const other = await stage.way.connect(FOREVER);
    assert.equal(other.localPort, 47_304);
    for (const each of [socket, other]) each.resetAndDestroy();
    await eventuallyHolds(async () => stage.assertAllGivenBack());
    taken.close();
  });

  it('ends its search when all of them are taken', async () => {
    const stage = new Stage(port);
    stage.refusals = Array.from({ length: 100 }, () => new TunvsError('ERR_TUNVS_EXISTS', 'this flow is pinned'));
    await assert.rejects(stage.way.connect(FOREVER), /cannot be pinned: this flow is pinned/);
    assert.equal(stage.refusals.length, 84);
    stage.assertAllGivenBack();
    const held = Array.from({ length: 8 }, () => stage.ports.take());
    await assert.rejects(stage.way.connect(FOREVER), { reason: 'failed', message: /all 8 source ports/ });
    assert.equal(held.length, 8);
  });

  it('says why it has not begun', async () => {
    const limit = new Stage(port);
    limit.refusals = [new TunvsError('ERR_TUNVS_LIMIT', '16,384 flows are pinned')];
    await assert.rejects(limit.way.connect(FOREVER), { reason: 'failed', message: /16,384 flows/ });
    limit.assertAllGivenBack();
    const nowhere = new Stage(port);
    nowhere.source = undefined;
    await assert.rejects(nowhere.way.connect(FOREVER), {
      reason: 'failed',
      message: 'this host has no IPv4 address that checks could come from',
    });
    nowhere.assertAllGivenBack();
    assert.equal(nowhere.way.evidence().flows, 0);
    const portless = new Stage(0);
    await assert.rejects(portless.way.connect(FOREVER), { reason: 'failed', message: /every port/ });
  });

  it('chooses its source anew when the host has lost the address', async () => {
    const stage = new Stage(port);
    stage.source = '192.0.2.77';
    await assert.rejects(stage.way.connect(FOREVER), CheckFailure);
    assert.equal(stage.sourcesGone, 1);
    stage.assertAllGivenBack();
  });

  it('adds up what became of all flows, and keeps the ICMP error of the tunnel', async () => {
    const stage = new Stage(port);
    const icmp = { type: 3, code: 2, from: '10.3.0.11', isOfTunnel: true };
    stage.report = { packets: 1, bytes: 40, kept: { dropNoSource: 2 }, icmp };
    const first = await stage.way.connect(FOREVER);
    first.resetAndDestroy();
    await once(first, 'close');
    stage.report = {
      ...{ packets: 2, bytes: 80, kept: { dropNoSource: 1, dropTooLong: 1 } },
      icmp: { type: 3, code: 1, from: HOST, isOfTunnel: false },
    };
    const second = await stage.way.connect(FOREVER);
    const kept = { dropNoSource: 3, dropTooLong: 1 };
    assert.deepEqual(stage.way.evidence(), { flows: 2, packets: 3, kept, icmp, isAnswered: true, source: HOST });
    second.resetAndDestroy();
  });

  it('does the same for datagrams', async () => {
    const echo = createSocket('udp4');
    echo.on('message', (message, { port: to, address }) => echo.send(message, to, address));
    echo.bind(0, HOST);
    await once(echo, 'listening');
    const stage = new Stage(echo.address().port);
    const socket = await stage.way.datagrams(FOREVER);
    assert.equal(stage.pinned[0]?.protocol, 'udp');
    assert.equal(stage.way.evidence().isAnswered, false);
    socket.send(Buffer.from('hello'));
    assert.equal(`${await socket.receive(FOREVER)}`, 'hello');
    assert.equal(stage.way.evidence().isAnswered, true);
    socket[Symbol.dispose]();
    stage.assertAllGivenBack();
    await stage.way.datagrams(FOREVER);
    stage.way[Symbol.dispose]();
    stage.assertAllGivenBack();
    echo.close();
  });

  it('hears who answers in place of the virtual address, and not what others send', async () => {
    const asked = createSocket('udp4').bind(0, HOST);
    await once(asked, 'listening');
    const { port: askedPort } = asked.address();
    const other = createSocket('udp4').bind(askedPort, '127.0.0.2');
    const anybody = createSocket('udp4').bind(0, '127.0.0.3');
    await Promise.all([once(other, 'listening'), once(anybody, 'listening')]);
    asked.on('message', (message, { port: to, address }) => {
      anybody.send('spam', to, address, () => other.send(message, to, address));
    });
    for (const hearsStrangers of [true, false]) {
      const ended: WayEvidence[] = [];
      const stage = new Stage(askedPort, { hearsStrangers, ended: (evidence) => ended.push({ ...evidence }) });
      const socket = await stage.way.datagrams(FOREVER);
      socket.send(Buffer.from('hello'));
      const late = new AbortController();
      setTimeout(() => late.abort(new Error('silence')), 100);
      await assert.rejects(socket.receive(late.signal), /silence/);
      socket[Symbol.dispose]();
      stage.way[Symbol.dispose]();
      assert.deepEqual(
        ended.map(({ wrongSource, isAnswered }) => [wrongSource, isAnswered]),
        [[hearsStrangers ? '127.0.0.2' : undefined, false]],
      );
      stage.assertAllGivenBack();
    }
    for (const socket of [asked, other, anybody]) socket.close();
  });
});
