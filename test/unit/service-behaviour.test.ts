/** What a service can do that IPVS cannot; the golden tests check that each is off by default. */
import { strict as assert } from 'node:assert';
import { Director, type RealServer } from '../../lib/index.js';
import type { VirtualServiceEdit } from '../../lib/director/service-options.js';
import { readOuter, tcp, udp } from '../support/packets.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const DNS = { protocol: 'udp', address: '192.0.2.1', port: 53 } as const;

function offline() {
  return Director.offline({ source: '10.9.0.1', maxConnections: 1024 });
}

/** Returns where a packet went, or its verdict if nowhere. */
function destinationOf(director: ReturnType<typeof offline>, packet: Uint8Array, atMs: number): string {
  const { outputs, verdicts } = director.process(packet, atMs);
  return verdicts[0] === 'forwarded' ? readOuter(outputs[0]?.data as Uint8Array).destination : (verdicts[0] as string);
}

const effective = (server: RealServer) => server.stats().effectiveWeight;

describe('what a service may do beyond IPVS', () => {
  it('is off unless asked for, and stays through an edit that leaves it out', async () => {
    await using director = offline();
    const web = director.addVirtualService(WEB);
    assert.deepEqual([web.midStream, web.slowStart, web.rescheduleUdp], ['reset', { seconds: 0 }, false]);
    web.edit({ slowStart: { seconds: 30 }, rescheduleUdp: true });
    web.edit({ scheduler: 'wrr' });
    assert.deepEqual([web.midStream, web.slowStart, web.rescheduleUdp], ['reset', { seconds: 30 }, true]);
    web.edit({ slowStart: { seconds: 0 }, scheduler: 'maglev', midStream: 'hash', rescheduleUdp: false });
    assert.deepEqual([web.midStream, web.slowStart, web.rescheduleUdp], ['hash', { seconds: 0 }, false]);
  });

  const mistakes: [what: string, edit: object, message: RegExp, option?: string][] = [
    ['an unknown way', { midStream: 'guess' }, /midStream: expected one of 'reset', 'hash', got 'guess'/],
    ['a slow start without seconds', { slowStart: {} }, /slowStart.seconds: expected an integer from 0 to 86400/],
    ['a slow start in other words', { slowStart: { ms: 5 } }, /there is no option "ms"; it takes seconds/],
    ['a slow start that is a number', { slowStart: 5 }, /slowStart options: expected an object, got 5/],
    ['a rescheduling that is no claim', { rescheduleUdp: 1 }, /rescheduleUdp: expected true or false, got 1/],
    [
      'mid-stream packets by connections',
      { midStream: 'hash' },
      /the scheduler wlc chooses by what it has seen/,
      'midStream',
    ],
    ['a slow start by turn', { scheduler: 'rr', slowStart: { seconds: 5 } }, /no use to the scheduler rr/, 'slowStart'],
    [
      'mid-stream packets with a slow start',
      { scheduler: 'maglev', midStream: 'hash', slowStart: { seconds: 5 } },
      /cannot both .*: choose slowStart: \{ seconds: 0 \} or midStream: 'reset'$/,
      'slowStart',
    ],
    [
      'both with a scheduler that can do one of them',
      { scheduler: 'mh', midStream: 'hash', slowStart: { seconds: 5 } },
      /cannot both .*: choose slowStart: \{ seconds: 0 \} or midStream: 'reset'$/,
      'slowStart',
    ],
    [
      'a stable cursor of a table',
      { scheduler: 'sh', schedulerOptions: { stableCursor: true } },
      /sh has no/,
      'stableCursor',
    ],
    [
      'a random start of a table',
      { scheduler: 'sh', schedulerOptions: { randomStart: true } },
      /sh has no/,
      'randomStart',
    ],
    ['a table of none', { scheduler: 'wrr', schedulerOptions: { tableSize: 512 } }, /wrr has no table/, 'tableSize'],
    ['a table size of sh', { scheduler: 'sh', schedulerOptions: { tableSize: 17 } }, /power of two/, 'tableSize'],
    ['a table size of mh', { scheduler: 'mh', schedulerOptions: { tableSize: 17 } }, /its sizes are/, 'tableSize'],
    ['a table size of maglev', { scheduler: 'maglev', schedulerOptions: { tableSize: 17 } }, /a prime/, 'tableSize'],
    [
      'a table size of rendezvous',
      { scheduler: 'rendezvous', schedulerOptions: { tableSize: 17 } },
      /256 to/,
      'tableSize',
    ],
  ];
  for (const [what, edit, message, option] of mistakes) {
    it(`refuses ${what}, and changes nothing`, async () => {
      await using director = offline();
      const web = director.addVirtualService(WEB);
      const before = director.stats().services;
      const expected = { code: 'ERR_TUNVS_INVALID_ARGUMENT', message, ...(option !== undefined && { option }) };
      assert.throws(() => web.edit(edit as VirtualServiceEdit), expected);
      assert.throws(() => director.addVirtualService({ ...WEB, port: 81, ...edit } as never), expected);
      assert.deepEqual(director.stats().services, before);
      assert.equal(web.midStream, 'reset');
    });
  }

  it('gives a mid-stream packet to the server that another director gave its connection', async () => {
    await using first = offline();
    await using second = offline();
    const addresses = ['10.0.0.1', '10.0.0.2', '10.0.0.3', '10.0.0.4'];
    for (const [director, order] of [
      [first, addresses],
      [second, [...addresses].reverse()],
    ] as const) {
      const web = director.addVirtualService({
        ...WEB,
        scheduler: 'maglev',
        schedulerFlags: ['maglev-port'],
        midStream: 'hash',
      });
      for (const address of order) web.addRealServer({ address });
    }
    const seen = new Set<string>();
    for (let port = 1024; port < 1124; port++) {
      const flow = { from: `198.51.100.7:${port}`, to: '192.0.2.1:80' };
      const server = destinationOf(first, tcp(flow), 0);
      seen.add(server);
      assert.equal(destinationOf(second, tcp({ ...flow, flags: 'A' }), 0), server);
    }
    assert.equal(seen.size, 4);
    assert.equal(
      destinationOf(second, tcp({ from: '198.51.100.7:9', to: '192.0.2.1:80', flags: 'R' }), 0),
      'dropNotScheduled',
    );
    assert.equal(second.stats().counters.connectionsMidStream, 100n);
  });

  it('raises the weight of a server that is new, or back, while its own says what was asked for', async () => {
    await using director = offline();
    const web = director.addVirtualService({ ...WEB, scheduler: 'wrr', slowStart: { seconds: 20 } });
    web.addRealServer({ address: '10.0.0.1', weight: 4 });
    director.advance(30_000);
    const late = web.addRealServer({ address: '10.0.0.2', weight: 4 });
    const seen: number[] = [];
    for (const atMs of [30_000, 35_000, 40_000, 45_000, 50_000, 60_000]) {
      director.advance(atMs);
      assert.equal(late.weight, 4);
      assert.equal(late.stats().weight, 4);
      seen.push(effective(late));
    }
    assert.deepEqual(seen, [0.4, 1.3, 2.2, 3.1, 4, 4]);
    late.weight = 0;
    director.advance(70_000);
    late.weight = 4;
    assert.equal(effective(late), 0.4);
    web.edit({ slowStart: { seconds: 0 } });
    assert.equal(effective(late), 4);
  });

  it("sends a removed server's UDP connections to another one", async () => {
    for (const rescheduleUdp of [false, true]) {
      await using director = offline();
      const dns = director.addVirtualService({ ...DNS, scheduler: 'rr', rescheduleUdp });
      const servers = ['10.0.0.1', '10.0.0.2'].map((address) => dns.addRealServer({ address }));
      const packet = udp({ from: '198.51.100.7:5000', to: '192.0.2.1:53' });
      const chosen = destinationOf(director, packet, 0);
      servers.find(({ address }) => address === chosen)?.delete();
      const other = servers.find(({ address }) => address !== chosen)?.address;
      assert.equal(destinationOf(director, packet, 10), rescheduleUdp ? other : 'dropServerGone');
    }
  });
});
