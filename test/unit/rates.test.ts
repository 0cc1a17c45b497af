import { strict as assert } from 'node:assert';
import { increase, plainRates, RateMeter, readEstimate, stepEstimate } from '../../lib/stats/rates.js';
import {
  type DirectorStats,
  sumTraffic,
  type Traffic,
  type VirtualServiceStats,
  zeroTraffic,
} from '../../lib/stats/stats.js';

const traffic = (connections: number, inPackets = 0, inBytes = 0): Traffic => ({
  ...zeroTraffic(),
  connections: BigInt(connections),
  inPackets: BigInt(inPackets),
  inBytes: BigInt(inBytes),
});

/** Raises the counters by `increased` every two seconds. */
function estimateAfter(steps: number, increased: Traffic, from = zeroTraffic()) {
  let estimate = from;
  for (let i = 0; i < steps; i++) estimate = stepEstimate(estimate, increased);
  return estimate;
}

describe("IPVS's estimate", () => {
  it('goes a quarter of the way with each step', () => {
    const increased = traffic(2000, 20_000, 2_000_000);
    const rates = [1, 2, 3].map((steps) => readEstimate(estimateAfter(steps, increased)));
    assert.deepEqual(
      rates.map((each) => each.connections),
      [250, 437, 578],
    );
    assert.deepEqual(
      rates.map((each) => each.inPackets),
      [2500, 4375, 5781],
    );
    assert.deepEqual(
      rates.map((each) => each.inBytes),
      [250_000, 437_500, 578_125],
    );
  });

  it('keeps counts times 1024 and bytes times 32', () => {
    const estimate = estimateAfter(1, traffic(1, 1, 1));
    assert.equal(estimate.connections, 128n);
    assert.equal(estimate.inPackets, 128n);
    assert.equal(estimate.inBytes, 4n);
  });

  it('rounds a half down, and more than a half up', () => {
    assert.equal(readEstimate({ ...zeroTraffic(), connections: 512n }).connections, 0);
    assert.equal(readEstimate({ ...zeroTraffic(), connections: 513n }).connections, 1);
    assert.equal(readEstimate({ ...zeroTraffic(), inBytes: 16n }).inBytes, 0);
    assert.equal(readEstimate({ ...zeroTraffic(), inBytes: 17n }).inBytes, 1);
  });

  it('arrives at a steady rate, and back at 0 when traffic ends', () => {
    const steady = estimateAfter(200, traffic(2000, 4000, 64_000));
    const { connections, inPackets, inBytes } = readEstimate(steady);
    assert.deepEqual({ connections, inPackets, inBytes }, { connections: 1000, inPackets: 2000, inBytes: 32_000 });
    assert.deepEqual(estimateAfter(200, zeroTraffic(), steady), zeroTraffic());
  });

  it('is exact beyond 2^53', () => {
    const steady = estimateAfter(300, traffic(0, 0, 2 ** 52));
    assert.equal(readEstimate(steady).inBytes, 2 ** 51);
  });
});

describe('plain rates', () => {
  it('are the increase over the time', () => {
    const { connections, inPackets, inBytes } = plainRates(
      increase(traffic(10, 100, 1000), traffic(15, 200, 3000)),
      500,
    );
    assert.deepEqual({ connections, inPackets, inBytes }, { connections: 10, inPackets: 200, inBytes: 4000 });
  });

  it('count from 0 when the counters were zeroed in between', () => {
    assert.equal(plainRates(increase(traffic(1000), traffic(30)), 1000).connections, 30);
  });

  it('are 0 over no time', () => assert.equal(plainRates(traffic(5), 0).connections, 0));
});

function service(port: number, totals: Traffic, servers: Traffic[] = []): VirtualServiceStats {
  const server = {
    port,
    forwarding: 'ipip',
    tunnelPort: 0,
    tunnelChecksum: 'none',
    clientAddress: 'none',
    pathMtu: 1500,
    tooBig: 0n,
    fragmentsSent: 0n,
    repeatedOpenings: 0n,
    clientResets: 0n,
    tunnelErrors: 0n,
    weight: 1,
    effectiveWeight: 1,
    isUp: true,
    isDraining: false,
    upperThreshold: 0,
    lowerThreshold: 0,
    activeConnections: 0,
  } as const;
  const rest = { inactiveConnections: 0, persistentConnections: 0, overloaded: false };
  return {
    protocol: 'tcp',
    address: '192.0.2.1',
    port,
    scheduler: 'rr',
    schedulerFlags: [],
    schedulerOptions: {},
    onePacket: false,
    timeouts: {},
    totals,
    servers: servers.map((each, i) => ({ address: `10.0.0.${i + 1}`, ...server, ...rest, totals: each })),
  };
}

function stats(services: VirtualServiceStats[], counters: Partial<DirectorStats['counters']> = {}): DirectorStats {
  const table = { ipv4: 0, ipv6: 0, capacity: 1024, bytes: 65_536, persistenceDataBytes: 0 };
  return {
    atMs: 0,
    counters: counters as DirectorStats['counters'],
    table,
    totals: sumTraffic(services.map((each) => each.totals)),
    services,
  };
}

describe('RateMeter', () => {
  it('rates director, services, servers and counters', () => {
    const meter = new RateMeter(stats([service(80, traffic(100), [traffic(60), traffic(40)])], { received: 5n }), 1000);
    const sample = meter.sample(
      stats([service(80, traffic(110), [traffic(68), traffic(42)])], { received: 25n }),
      3000,
    );
    assert.equal(sample.intervalMs, 2000);
    assert.equal(sample.rates.connections, 5);
    assert.equal(sample.services[0]?.rates.connections, 5);
    assert.deepEqual(
      sample.services[0]?.servers.map((each) => each.rates.connections),
      [4, 1],
    );
    assert.deepEqual(sample.counterRates, { received: 10 });
  });

  it('does not take for a rate what came before it first saw an object', () => {
    const meter = new RateMeter(stats([]), 0);
    const sample = meter.sample(stats([service(80, traffic(1_000_000))]), 1000);
    assert.equal(sample.services[0]?.rates.connections, 0);
    assert.equal(meter.sample(stats([service(80, traffic(1_000_003))]), 2000).services[0]?.rates.connections, 3);
  });

  it('does not see a fall of the whole in the removal of a service', () => {
    const meter = new RateMeter(stats([service(80, traffic(500)), service(81, traffic(900))]), 0);
    const sample = meter.sample(stats([service(80, traffic(507))]), 1000);
    assert.equal(sample.rates.connections, 7);
  });

  it('steps the estimate apart from the samples', () => {
    const meter = new RateMeter(stats([service(80, traffic(0))]), 0);
    assert.equal(meter.sample(stats([service(80, traffic(1000))]), 1000).estimatedRates.connections, 0);
    meter.step(stats([service(80, traffic(2000))]));
    const sample = meter.sample(stats([service(80, traffic(2000))]), 2000);
    assert.equal(sample.estimatedRates.connections, 250);
    assert.equal(sample.services[0]?.estimatedRates.connections, 250);
  });

  it('begins the estimate at 0 again when the counters were zeroed', () => {
    const meter = new RateMeter(stats([service(80, traffic(0))]), 0);
    meter.step(stats([service(80, traffic(2000))]));
    meter.step(stats([service(80, traffic(10))]));
    assert.equal(meter.sample(stats([service(80, traffic(10))]), 1000).services[0]?.estimatedRates.connections, 0);
  });
});
