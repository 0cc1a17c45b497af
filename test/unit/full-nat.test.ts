/** Full NAT: which address and port of the director's a connection gets, and when somebody else may have them. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Director, type OfflineDirector } from '../../lib/director/director.js';
import type { Connection, ConnectionsOptions, FullNatOptions } from '../../lib/index.js';
import { type ExplainedFlow, packetOf } from '../../lib/values/flow-packet.js';

const CLIENT = '198.51.100.7';
const VIP = '192.0.2.1';
const SERVERS = ['10.0.0.11', '10.0.0.12'];
const FLOW: ExplainedFlow = {
  ...{ protocol: 'tcp', clientAddress: CLIENT, clientPort: 40000 },
  ...{ virtualAddress: VIP, virtualPort: 80 },
};

function web(fullNat: FullNatOptions, servers = SERVERS) {
  const director = Director.offline({ source: '10.0.0.1', fullNat, maxConnections: 1024 });
  const service = director.addVirtualService({ protocol: 'tcp', address: VIP, port: 80, scheduler: 'rr' });
  for (const address of servers) service.addRealServer({ address, port: 8080, forwarding: 'snat' });
  return { director, service };
}

interface Seen {
  verdict: string | undefined;
  source: string;
  destination: string;
}

const addressAt = (data: Uint8Array, at: number) => data.subarray(at, at + 4).join('.');
const portAt = (data: Uint8Array, at: number) => (data[at] ?? 0) * 256 + (data[at + 1] ?? 0);

/** Hands the director a packet, and reads the one that leaves. */
function send(director: OfflineDirector, flow: ExplainedFlow, atMs = 1): Seen {
  const { verdicts, outputs } = director.process(packetOf('test', flow), atMs);
  const data = outputs[0]?.data ?? new Uint8Array(24);
  return {
    verdict: verdicts[0],
    source: `${addressAt(data, 12)}:${portAt(data, 20)}`,
    destination: `${addressAt(data, 16)}:${portAt(data, 22)}`,
  };
}

async function rowsOf(director: OfflineDirector, options: ConnectionsOptions = {}): Promise<Connection[]> {
  const rows: Connection[] = [];
  for await (const row of director.connections(options)) rows.push(row);
  return rows;
}

/** What the server sends back to whom it takes for its client. */
function replyTo({ source, destination }: Seen, flags = 'SA'): ExplainedFlow {
  const [clientAddress = '', clientPort] = destination.split(':');
  const [virtualAddress = '', virtualPort] = source.split(':');
  const ends = { clientPort: Number(clientPort), virtualPort: Number(virtualPort) };
  return { protocol: 'tcp', clientAddress, virtualAddress, ...ends, flags } as ExplainedFlow;
}

describe('full NAT', () => {
  it('gives each connection to a server another pair, of each address in turn, and brings replies to its client', () => {
    const { director } = web({ sources: '10.0.9.0/31', firstPort: 5000, lastPort: 5001 }, SERVERS.slice(0, 1));
    const sources: string[] = [];
    for (let clientPort = 40000; clientPort < 40004; clientPort++) {
      const seen = send(director, { ...FLOW, clientPort });
      assert.deepEqual([seen.verdict, seen.destination], ['forwarded', '10.0.0.11:8080']);
      sources.push(seen.source);
      const back = send(director, replyTo(seen));
      assert.deepEqual(back, { verdict: 'returned', source: `${VIP}:80`, destination: `${CLIENT}:${clientPort}` });
      // Every packet of the connection has the same.
      assert.equal(send(director, { ...FLOW, clientPort, flags: 'A' }).source, seen.source);
    }
    assert.deepEqual(sources, ['10.0.9.0:5000', '10.0.9.1:5000', '10.0.9.0:5001', '10.0.9.1:5001']);
  });

  it('has as many connections to each server as there are pairs, and drops what would be one more', () => {
    const { director, service } = web({ sources: '10.0.9.1', firstPort: 5000, lastPort: 5002 });
    const seen = Array.from({ length: 8 }, (_, index) => send(director, { ...FLOW, clientPort: 40000 + index }));
    const verdicts = seen.map(({ verdict }) => verdict);
    assert.deepEqual(verdicts, [...Array(6).fill('forwarded'), 'dropNoPort', 'dropNoPort']);
    // Each server has its own.
    assert.equal(new Set(seen.slice(0, 6).map(({ source, destination }) => `${source} ${destination}`)).size, 6);
    assert.equal(director.stats().counters.dropNoPort, 2n);
    for (const server of service.realServers) {
      const { sourcePairs, activeConnections } = server.stats();
      assert.deepEqual([sourcePairs, activeConnections], [3, 3]);
    }
  });

  it('gives a pair again when its connection has ended and not before, and takes what was not used for longest', () => {
    const { director } = web({ sources: '10.0.9.1', firstPort: 5000, lastPort: 5001 }, SERVERS.slice(0, 1));
    const first = send(director, FLOW, 0);
    assert.equal(first.source, '10.0.9.1:5000');
    send(director, replyTo(first), 0);
    send(director, { ...FLOW, flags: 'A' }, 0);
    send(director, replyTo(first, 'RA'), 1000);
    assert.equal(send(director, { ...FLOW, clientPort: 40001 }, 1000).source, '10.0.9.1:5001');
    // A connection in CLOSE keeps its pair for ten seconds.
    assert.equal(send(director, { ...FLOW, clientPort: 40002 }, 10_000).verdict, 'dropNoPort');
    assert.equal(send(director, { ...FLOW, clientPort: 40002 }, 12_000).source, '10.0.9.1:5000');
    const { director: other } = web({ sources: '10.0.9.1', firstPort: 5000, lastPort: 5002 }, SERVERS.slice(0, 1));
    const opened = send(other, FLOW, 0);
    send(other, replyTo(opened, 'RA'), 0);
    assert.deepEqual(
      [1, 2, 3].map((index) => send(other, { ...FLOW, clientPort: 40000 + index }, 20_000).source.split(':')[1]),
      ['5001', '5002', '5000'],
    );
  });

  it('shows which pair a connection has at its server, and finds a connection by it', async () => {
    const { director, service } = web({ sources: '10.0.9.0/31', firstPort: 5000, lastPort: 5001 }, SERVERS.slice(0, 1));
    service.addRealServer({ address: '10.0.0.99', port: 8080, forwarding: 'nat' });
    for (const clientPort of [40000, 40001, 40002, 40003]) send(director, { ...FLOW, clientPort });
    const rows = await rowsOf(director);
    const shown = rows.map(({ serverAddress, sourceAddress, sourcePort }) =>
      sourceAddress === undefined
        ? `${serverAddress} ${sourcePort}`
        : `${serverAddress} ${sourceAddress}:${sourcePort}`,
    );
    assert.deepEqual(shown.sort(), [
      '10.0.0.11 10.0.9.0:5000',
      '10.0.0.11 10.0.9.1:5000',
      '10.0.0.99 undefined',
      '10.0.0.99 undefined',
    ]);
    const found = await rowsOf(director, { sourceAddress: '10.0.9.1', sourcePort: 5000 });
    assert.deepEqual(
      found.map(({ serverAddress }) => serverAddress),
      ['10.0.0.11'],
    );
  });

  it('drops what comes to a source without a connection, from servers and strangers', () => {
    const { director } = web({ sources: '10.0.9.0/31', firstPort: 5000, lastPort: 5001 });
    const reply = replyTo({ verdict: '', source: '10.0.9.0:5000', destination: '10.0.0.11:8080' });
    assert.equal(send(director, reply).verdict, 'dropUnmatchedReply');
    assert.equal(send(director, { ...FLOW, virtualAddress: '10.0.9.1' }).verdict, 'dropUnmatchedReply');
  });

  it('needs an address of the family of the server, and says so', () => {
    const { director } = web({ sources: '10.0.9.0/31' });
    const service = director.addVirtualService({ protocol: 'tcp', address: '2001:db8::1', port: 80, scheduler: 'rr' });
    const server = { address: '2001:db8:1::11', forwarding: 'snat' } as const;
    assert.throws(() => service.addRealServer(server), /full NAT has no IPv6 address to give .* fullNat\.sources/);
    const none = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
    const web4 = none.addVirtualService({ protocol: 'tcp', address: VIP, port: 80, scheduler: 'rr' });
    assert.throws(
      () => web4.addRealServer({ address: '10.0.0.11', forwarding: 'snat' }),
      /full NAT has no IPv4 address to give .* fullNat\.sources/,
    );
  });

  it('is told in words, and both directions are explained', () => {
    const { director } = web({ sources: '10.0.9.1', firstPort: 5000, lastPort: 5009 }, SERVERS.slice(0, 1));
    const opening = director.explain(FLOW);
    assert.match(opening.text, /^To real server 10\.0\.0\.11:8080, chosen by the scheduler rr /);
    const seen = send(director, FLOW);
    const said = director.explain({ ...FLOW, flags: 'A' });
    assert.deepEqual(said.becomes, {
      source: { address: '10.0.9.1', port: Number(seen.source.split(':')[1]) },
      destination: { address: '10.0.0.11', port: 8080 },
    });
    const returned = director.explain(replyTo(seen));
    assert.deepEqual([returned.verdict, returned.by], ['returned', 'connection']);
    assert.match(returned.text, /It leaves from 192\.0\.2\.1:80 to 198\.51\.100\.7:40000\.$/);
    director.close();
  });

  it('never has two live connections with the same server, source and port', () => {
    const step = fc.record({
      clientPort: fc.integer({ min: 40000, max: 40020 }),
      flags: fc.constantFrom('S', 'A', 'FA', 'R'),
      isReply: fc.boolean(),
      waitMs: fc.constantFrom(0, 0, 0, 1000, 15_000, 130_000),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 120 }), (steps) => {
        const { director } = web({ sources: ['10.0.9.0/31'], firstPort: 5000, lastPort: 5002 });
        let atMs = 0;
        const last = new Map<number, Seen>();
        for (const { clientPort, flags, isReply, waitMs } of steps) {
          atMs += waitMs;
          const known = last.get(clientPort);
          if (isReply) {
            if (known) send(director, replyTo(known, flags === 'S' ? 'SA' : flags), atMs);
            continue;
          }
          const seen = send(director, { ...FLOW, clientPort, flags }, atMs);
          if (seen.verdict === 'forwarded') last.set(clientPort, seen);
          // What each open connection becomes is asked of the engine itself.
          const taken = new Map<string, number>();
          for (let port = 40000; port <= 40020; port++) {
            const { by, becomes } = director.explain({ ...FLOW, clientPort: port, flags: 'A' });
            if (by !== 'connection' || becomes === undefined) continue;
            const pair = JSON.stringify(becomes);
            assert.equal(taken.get(pair), undefined, `${pair} of ${port} and ${taken.get(pair)}`);
            taken.set(pair, port);
          }
        }
        director.close();
      }),
      { numRuns: 30 },
    );
  });
});

describe('the sources of full NAT', () => {
  it('may be virtual addresses, too', () => {
    const { director } = web({ sources: VIP, firstPort: 5000, lastPort: 5001 }, SERVERS.slice(0, 1));
    const seen = send(director, FLOW);
    assert.deepEqual([seen.verdict, seen.source], ['forwarded', `${VIP}:5000`]);
    assert.deepEqual(send(director, replyTo(seen)).destination, `${CLIENT}:40000`);
    assert.equal(send(director, { ...FLOW, virtualPort: 81 }).verdict, 'dropUnmatchedReply');
  });

  it('are not those that the director has for tunnels: the host would take the replies', () => {
    for (const [source, sources] of [
      ['10.0.0.1', '10.0.0.1'],
      ['10.0.0.1', '10.0.0.0/30'],
      ['10.0.0.0/28', '10.0.0.9'],
      ['2001:db8::1', '2001:db8::/126'],
    ] as const)
      assert.throws(
        () => Director.offline({ source, fullNat: { sources }, maxConnections: 1024 }),
        /fullNat\.sources.*other addresses than .*source/,
        `${source} ${sources}`,
      );
  });
});
