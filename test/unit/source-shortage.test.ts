/** Of each server of full NAT it is said once that its pairs run short, and once that there are none. */
import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { SourceShortage } from '../../lib/director/source-shortage.js';
import type { EngineEvent } from '../../lib/index.js';
import { type ExplainedFlow, packetOf } from '../../lib/values/flow-packet.js';

const FLOW: ExplainedFlow = {
  ...{ protocol: 'tcp', clientAddress: '198.51.100.7', clientPort: 1 },
  ...{ virtualAddress: '192.0.2.1', virtualPort: 80 },
};

describe('the event sourcesShort', () => {
  const PAIRS = 10;
  let told: EngineEvent[] = [];
  let director: ReturnType<typeof Director.offline>;

  beforeEach(() => {
    told = [];
    director = Director.offline({
      source: '10.0.0.1',
      fullNat: { sources: '10.0.9.1', firstPort: 5000, lastPort: 5000 + PAIRS - 1 },
      maxConnections: 1024,
    });
    director.on('event', (event) => told.push(event));
    const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' });
    service.addRealServer({ address: '10.0.0.11', port: 8080, forwarding: 'snat' });
  });
  afterEach(() => director.close());

  let clientPort = 40000;
  function open(count: number, atMs: number, virtualAddress = FLOW.virtualAddress): void {
    for (let index = 0; index < count; index++) {
      const flow = { ...FLOW, virtualAddress, clientPort: clientPort++ };
      director.process(packetOf('test', flow), atMs);
    }
  }
  /** Lets the time pass until somebody has looked. */
  const look = (atMs: number) =>
    void director.process(packetOf('test', { ...FLOW, virtualAddress: '192.0.2.9' }), atMs);

  it('comes at four of five pairs and when all are in use, and not in between', () => {
    open(7, 1000);
    look(6000);
    assert.equal(told.length, 0);
    open(1, 7000);
    look(12_000);
    look(18_000);
    assert.equal(told.length, 1);
    const [short] = told;
    assert.deepEqual([short?.type, short?.value], ['sourcesShort', 1]);
    assert.deepEqual(short?.things, ['10.0.0.11:8080 of tcp 192.0.2.1:80 (8 of 10)']);
    assert.match(short?.message ?? '', /few or no pairs .* left for a real server: .*give fullNat\.sources more/);
    open(3, 19_000);
    look(25_000);
    look(31_000);
    assert.deepEqual(told.at(-1)?.things, ['10.0.0.11:8080 of tcp 192.0.2.1:80 (10 of 10)']);
    assert.equal(told.length, 2);
  });

  it('counts what other services and deleted ones have of a server, and names the services', () => {
    const other = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.2', port: 80, scheduler: 'rr' });
    other.addRealServer({ address: '10.0.0.11', port: 8080, forwarding: 'snat' });
    const gone = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.3', port: 80, scheduler: 'rr' });
    gone.addRealServer({ address: '10.0.0.11', port: 8080, forwarding: 'snat' });
    open(3, 1000);
    open(3, 1000, '192.0.2.2');
    open(2, 1000, '192.0.2.3');
    gone.delete();
    look(6000);
    look(12_000);
    assert.deepEqual(
      told.map(({ things }) => things),
      [['10.0.0.11:8080 of tcp 192.0.2.1:80 and tcp 192.0.2.2:80 (8 of 10)']],
    );
    const [server] = other.realServers;
    const { sourcePairs, sourcePairsInUse, inactiveConnections, activeConnections } = server?.stats() ?? {};
    assert.deepEqual([sourcePairs, sourcePairsInUse], [10, 8]);
    assert.equal((activeConnections ?? 0) + (inactiveConnections ?? 0), 3);
  });

  it('does not read the services while no server has full NAT', () => {
    let reads = 0;
    let hasFullNat = false;
    const shortage = new SourceShortage({
      hasFullNat: () => hasFullNat,
      services: () => {
        reads += 1;
        return [];
      },
      report: () => {},
    });
    shortage.look();
    assert.equal(reads, 0);
    hasFullNat = true;
    shortage.look();
    assert.equal(reads, 1);
  });

  it('comes again when there was room in between', () => {
    open(8, 1000);
    look(6000);
    // They end in SYN_RECV.
    look(90_000);
    open(8, 91_000);
    look(97_000);
    assert.deepEqual(
      told.map(({ type }) => type),
      ['sourcesShort', 'sourcesShort'],
    );
  });
});
