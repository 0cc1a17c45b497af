/** Draining with a deadline, at which remaining connections are ended; real-server.test.ts has draining without one. */
import { strict as assert } from 'node:assert';
import { Director, type DrainOptions, type RealServer } from '../../lib/index.js';
import { fakeConfiguration, serverRow, serviceRow } from '../support/fake-configuration.js';
import { tcp, udp } from '../support/packets.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const turn = () => new Promise((resolve) => setImmediate(resolve));

function withTwoServers(protocol: 'tcp' | 'udp') {
  const director = Director.offline({ source: '10.9.0.1', maxConnections: 1024 });
  const service = director.addVirtualService({ ...WEB, protocol, scheduler: 'rr' });
  const servers = ['10.0.0.1', '10.0.0.2'].map((address) => service.addRealServer({ address }));
  const make = protocol === 'tcp' ? tcp : udp;
  const packets = (flags: string) =>
    Array.from({ length: 10 }, (_, i) => make({ from: `198.51.100.7:${2000 + i}`, to: '192.0.2.1:80', flags }));
  return { director, drained: servers[0] as (typeof servers)[0], packets };
}

describe('draining a real server with a deadline', () => {
  it('ends what is left at the deadline on the director clock, and says how many', async () => {
    const { director, drained, packets } = withTwoServers('tcp');
    director.process(packets('S'), 0);
    director.process(packets('A'), 0);
    const result = drained.drain({ deadlineMs: 5000 });
    director.advance(4999);
    await turn();
    assert.equal(drained.stats().activeConnections, 5);
    director.advance(5000);
    assert.deepEqual(await result, { ended: 5 });
    const { activeConnections, inactiveConnections, effectiveWeight } = drained.stats();
    assert.deepEqual([activeConnections, inactiveConnections, effectiveWeight], [0, 0, 0]);
    const { verdicts } = director.process(packets('A'), 5010);
    assert.equal(verdicts.filter((verdict) => verdict === 'dropNotScheduled').length, 5);
    assert.equal(director.stats().counters.answersReset, 5n);
    assert.equal(director.stats().counters.connectionsDropped, 5n);
    await director.close();
  });

  it('sends the datagrams of ended UDP connections to another server', async () => {
    const { director, drained, packets } = withTwoServers('udp');
    director.process(packets(''), 0);
    const result = drained.drain({ deadlineMs: 1000 });
    director.process(packets(''), 500);
    assert.equal(drained.stats().inactiveConnections, 5);
    director.advance(1000);
    assert.deepEqual(await result, { ended: 5 });
    const { verdicts } = director.process(packets(''), 1010);
    assert.ok(verdicts.every((verdict) => verdict === 'forwarded'));
    assert.equal(drained.stats().inactiveConnections, 0);
    await director.close();
  });

  it('ends nothing when all have ended by themselves', async () => {
    const { director, drained, packets } = withTwoServers('tcp');
    director.process(packets('S'), 0);
    const result = drained.drain({ deadlineMs: 100_000 });
    director.advance(61_000);
    assert.deepEqual(await result, { ended: 0 });
    assert.equal(director.stats().counters.connectionsDropped, 0n);
    await director.close();
  });

  it('ends nothing when it is taken back before, although the server is drained again at once', async () => {
    const { director, drained, packets } = withTwoServers('tcp');
    director.process(packets('S'), 0);
    const first = drained.drain({ deadlineMs: 1000 });
    drained.undrain();
    const second = drained.drain();
    director.advance(1000);
    await assert.rejects(first, { code: 'ERR_TUNVS_BUSY', message: /taken back/ });
    assert.deepEqual(
      [drained.stats().activeConnections + drained.stats().inactiveConnections, drained.isDraining],
      [5, true],
    );
    director.advance(61_000);
    assert.deepEqual(await second, { ended: 0 });
    await director.close();
  });

  it('ends nothing when the signal is aborted before; it goes on draining', async () => {
    const { director, drained, packets } = withTwoServers('tcp');
    director.process(packets('S'), 0);
    const abort = new AbortController();
    const result = drained.drain({ deadlineMs: 1000, signal: abort.signal });
    abort.abort(new Error('enough'));
    await assert.rejects(result, /enough/);
    director.advance(2000);
    await turn();
    assert.deepEqual([drained.stats().activeConnections, drained.isDraining], [5, true]);
    await director.close();
  });

  it('ends again what was opened by somebody who had not heard of it yet', async () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService(WEB);
    const server = web.addRealServer({ address: '10.0.0.11' });
    const counts = (activeConnections: number) =>
      fake.rows.splice(0, 1, serviceRow([serverRow({ activeConnections })]));
    counts(3);
    const left = [1, 0];
    fake.endConnections = () => {
      counts(left.shift() ?? 0);
      return { ended: left.length === 1 ? 3 : 1, next: -1 };
    };
    const result = server.drain({ deadlineMs: 50 });
    fake.nowMs = 50;
    fake.pulse.beat();
    await turn();
    assert.equal(fake.ended.length, 1);
    fake.pulse.beat();
    assert.deepEqual(await result, { ended: 4 });
    assert.deepEqual(fake.ended[1], [
      { protocol: 6, address: '192.0.2.1', port: 80 },
      { address: '10.0.0.11', port: 80 },
    ]);
  });

  it('goes on in turns where the table is large, and resolves when it was gone through', async () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService(WEB);
    const server = web.addRealServer({ address: '10.0.0.11' });
    fake.rows.push(serviceRow([serverRow({ activeConnections: 5 })]));
    const asked: number[] = [];
    fake.endConnections = (cursor) => {
      asked.push(cursor);
      // The connections are gone before the templates, which the rest of the pass is for.
      fake.rows.splice(0, 1, serviceRow([serverRow({ activeConnections: asked.length < 2 ? 2 : 0 })]));
      return [
        { ended: 3, next: 64 },
        { ended: 2, next: 128 },
        { ended: 0, next: -1 },
      ][asked.length - 1] as never;
    };
    assert.deepEqual(await server.drain({ deadlineMs: 0 }), { ended: 5 });
    assert.deepEqual(asked, [0, 64, 128]);
  });

  for (const [what, meanwhile, code] of [
    ['is deleted', (server: RealServer) => server.delete(), 'ERR_TUNVS_NOT_FOUND'],
    [
      'is replaced by another at its address',
      (server: RealServer) => {
        server.delete();
        server.service.addRealServer({ address: '10.0.0.11' });
      },
      'ERR_TUNVS_NOT_FOUND',
    ],
    ['is taken back', (server: RealServer) => server.undrain(), 'ERR_TUNVS_BUSY'],
  ] as const) {
    it(`ends no more when the server ${what} between two turns`, async () => {
      const fake = fakeConfiguration();
      const web = fake.configuration.addVirtualService(WEB);
      const server = web.addRealServer({ address: '10.0.0.11' });
      fake.rows.push(serviceRow([serverRow({ activeConnections: 5 })]));
      fake.endConnections = () => ({ ended: 1, next: 64 });
      const result = server.drain({ deadlineMs: 0 });
      assert.equal(fake.ended.length, 1);
      meanwhile(server);
      await assert.rejects(result, { code });
      assert.equal(fake.ended.length, 1);
    });
  }

  it('ends at once with a deadline of 0', async () => {
    const { director, drained, packets } = withTwoServers('tcp');
    director.process(packets('S'), 0);
    assert.deepEqual(await drained.drain({ deadlineMs: 0 }), { ended: 5 });
    await director.close();
  });

  it('with both ends does not compile', async () => {
    const { director, drained } = withTwoServers('tcp');
    // @ts-expect-error: a drain ends by one of them.
    await assert.rejects(drained.drain({ timeoutMs: 1, deadlineMs: 1 }), { option: 'deadlineMs' });
    await director.close();
  });

  for (const [what, options, message] of [
    ['both ends', { deadlineMs: 1, timeoutMs: 1 }, /deadlineMs: expected nothing beside timeoutMs/],
    ['a deadline in the past', { deadlineMs: -1 }, /deadlineMs: expected a number of milliseconds from 0/],
  ] as const) {
    it(`refuses ${what}, and drains nothing`, async () => {
      const { director, drained } = withTwoServers('tcp');
      await assert.rejects(drained.drain(options as DrainOptions), { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
      assert.equal(drained.isDraining, false);
      await director.close();
    });
  }
});
