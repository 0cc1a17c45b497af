/** Flows that are pinned to a real server: what the library adds to the engine's own tests of it. */
import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import type { PinnedFlow, PinOptions } from '../../lib/director/pin.js';
import { icmp, readOuter, tcp } from '../support/packets.js';

const OWN = '10.2.0.2';
const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const ADDRESSES = ['10.3.0.11', '10.3.0.12'] as const;
const FLOW = {
  ...{ protocol: 'tcp', sourceAddress: OWN, sourcePort: 40000 },
  ...{ virtualAddress: WEB.address, virtualPort: WEB.port },
} as const satisfies PinnedFlow;
const TTL = { ttlMs: 5000 };

const packet = (flags = 'S', ttl = 64) =>
  tcp({ from: `${OWN}:${FLOW.sourcePort}`, to: `${WEB.address}:${WEB.port}`, flags, ttl });

function checked() {
  const director = Director.offline({ source: OWN, seed: 1n, maxConnections: 1024 });
  const service = director.addVirtualService({ ...WEB, scheduler: 'rr' });
  const [first, second] = ADDRESSES.map((address) => service.addRealServer({ address })) as [
    ReturnType<typeof service.addRealServer>,
    ReturnType<typeof service.addRealServer>,
  ];
  /** Sends a packet of the check and says where it went, or why not. */
  const send = (atMs: number, bytes = packet()) => {
    const { outputs, verdicts } = director.process(bytes, atMs);
    const [output] = outputs;
    return verdicts[0] === 'pinned' && output ? readOuter(output.data).destination : verdicts[0];
  };
  return { director, service, first, second, send };
}

describe('a pinned flow', () => {
  it('leads to its server while that is down, of weight 0, draining or deleted', async () => {
    const { director, first, second, send } = checked();
    director.pin(FLOW, second, TTL);
    first.weight = 5;
    assert.equal(send(0), ADDRESSES[1]);
    second.isUp = false;
    assert.equal(send(1), ADDRESSES[1]);
    second.isUp = true;
    second.weight = 0;
    assert.equal(send(2), ADDRESSES[1]);
    assert.deepEqual(await second.drain(), { ended: 0 });
    assert.equal(send(3), ADDRESSES[1]);
    second.delete();
    assert.equal(send(4), ADDRESSES[1]);
  });

  it('is pinned to a server that was deleted before', () => {
    const { director, second, send } = checked();
    second.delete();
    director.pin(FLOW, second, TTL);
    assert.equal(send(0), ADDRESSES[1]);
  });

  it('is in no statistic but the director’s counter, and in no list of connections', async () => {
    const { director, first, service, send } = checked();
    director.pin(FLOW, first, TTL);
    send(0);
    send(1, packet('A'));
    assert.equal(service.stats().totals.inPackets, 0n);
    assert.equal(first.stats().totals.connections, 0n);
    const { counters } = director.stats();
    assert.deepEqual([counters.received, counters.pinned, counters.forwarded], [2n, 2n, 0n]);
    for await (const connection of director.connections()) assert.fail(`${connection.clientPort}`);
  });

  it('ends with its time, by the director’s own clock, and with its release a second later', () => {
    const { director, first, second, send } = checked();
    const pin = director.pin(FLOW, first, TTL);
    assert.equal(send(4999), ADDRESSES[0]);
    assert.equal(send(5000, packet('A')), 'dropNotScheduled');
    assert.equal(pin.report().packets, 1);
    const next = director.pin(FLOW, second, TTL);
    assert.equal(send(5100), ADDRESSES[1]);
    next.release();
    next.release();
    assert.equal(send(6000, packet('R')), ADDRESSES[1]);
    assert.equal(send(6200, packet('R')), 'dropNotScheduled');
    director.pin(FLOW, first, TTL);
    assert.equal(send(6300), ADDRESSES[0]);
  });

  it('has a report, which stays after the release and the director’s end', async () => {
    const { director, first, send } = checked();
    const pin = director.pin(FLOW, first, { ttlMs: 5000, hopLimit: 255 });
    assert.deepEqual(pin.report(), { packets: 0, bytes: 0, kept: {} });
    const own = packet('S', 255);
    assert.equal(send(0, own), ADDRESSES[0]);
    assert.equal(send(0, packet('S', 254)), 'dropBadSource');
    const [output] = director.process(packet('A', 255), 1).outputs;
    const from = '10.2.0.254';
    const error = icmp({ from, to: OWN, type: 3, code: 1, payload: output?.data as Uint8Array });
    assert.deepEqual(director.process(error, 2).verdicts, ['recreatedIcmp']);
    const expected = {
      ...{ packets: 2, bytes: 2 * own.length, kept: { dropBadSource: 1 } },
      icmp: { type: 3, code: 1, from, isOfTunnel: true },
    };
    assert.deepEqual(pin.report(), expected);
    pin.release();
    assert.deepEqual(pin.report(), expected);
    const last = director.pin({ ...FLOW, sourcePort: 40001 }, first, TTL);
    await director.close();
    last.release();
    assert.deepEqual(last.report(), { packets: 0, bytes: 0, kept: {} });
    assert.deepEqual(pin.report(), expected);
  });

  it('is named by an explanation', () => {
    const { director, second } = checked();
    director.pin(FLOW, second, TTL);
    second.isUp = false;
    const { verdict, by, realServer, text } = director.explain(packet());
    assert.deepEqual(
      { verdict, by, realServer },
      {
        ...{ verdict: 'pinned', by: 'pin' },
        realServer: { address: ADDRESSES[1], port: 80 },
      },
    );
    assert.equal(text, `To real server ${ADDRESSES[1]}:80, to which a health check has pinned the flow.`);
  });

  it('cannot be pinned twice, nor in place of a connection, nor to a server that nobody knows', () => {
    const { director, first, second, send } = checked();
    director.pin(FLOW, first, TTL);
    assert.throws(() => director.pin(FLOW, second, TTL), { code: 'ERR_TUNVS_EXISTS' });
    const other = { ...FLOW, sourcePort: 40001 };
    assert.equal(send(0, tcp({ from: `${OWN}:40001`, to: '192.0.2.1:80', flags: 'S' })), 'forwarded');
    assert.throws(() => director.pin(other, first, TTL), { code: 'ERR_TUNVS_EXISTS' });
    second.delete();
    for (const seconds of [10, 200, 400]) director.advance(seconds * 1000);
    director.stats();
    director.advance(1_000_000);
    director.stats();
    assert.throws(() => director.pin(FLOW, second, TTL), { code: 'ERR_TUNVS_NOT_FOUND' });
  });

  const mistakes: [option: string, flow: Partial<PinnedFlow>, options: Partial<PinOptions>][] = [
    ['pin: protocol', { protocol: 'icmp' as 'tcp' }, {}],
    ['pin: sourceAddress', { sourceAddress: 'here' }, {}],
    ['pin: sourcePort', { sourcePort: 0 }, {}],
    ['pin: virtualAddress', { virtualAddress: '2001:db8::1' }, {}],
    ['pin: virtualPort', { virtualPort: 65536 }, {}],
    ['pin: ttlMs', {}, { ttlMs: 0 }],
    ['pin: ttlMs', {}, { ttlMs: 3_600_001 }],
    ['pin: hopLimit', {}, { hopLimit: 256 }],
    ['pin: hopLimit', {}, { hopLimit: 0 }],
  ];
  for (const [option, flow, options] of mistakes) {
    it(`refuses ${option} ${JSON.stringify({ ...flow, ...options })}`, () => {
      const { director, first } = checked();
      assert.throws(
        () => director.pin({ ...FLOW, ...flow }, first, { ...TTL, ...options }),
        (error: Error) => {
          assert.ok(error.message.startsWith(option), error.message);
          return 'code' in error && error.code === 'ERR_TUNVS_INVALID_ARGUMENT';
        },
      );
    });
  }

  it('refuses a real server of another director, and any call after the end', async () => {
    const { director, first } = checked();
    assert.throws(() => director.pin(FLOW, checked().first, TTL), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    await director.close();
    assert.throws(() => director.pin(FLOW, first, TTL), { code: 'ERR_TUNVS_CLOSED' });
  });
});
