/**
 * Any sequence of control operations between packets leaves the counters consistent: received is the sum of the
 * verdicts, a real server's active and inactive connections are its live ones, and none ended uncounted.
 */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { type CounterName, Director, type OfflineDirector, TunvsError, type VirtualService } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import type { VirtualServiceEdit } from '../../lib/director/service-options.js';
import { tcp, udp } from '../support/packets.js';

const KEYS = [
  { protocol: 'tcp', address: '192.0.2.1', port: 80 },
  { protocol: 'udp', address: '192.0.2.1', port: 80 },
] as const;

const key = fc.constantFrom(...KEYS);
const address = fc.nat(4).map((i) => `10.0.0.${11 + i}`);
/** Some of these exclude each other: a refused operation must change nothing. */
const edit: fc.Arbitrary<VirtualServiceEdit> = fc.record(
  {
    scheduler: fc.constantFrom(...(native.schedulers as NonNullable<VirtualServiceEdit['scheduler']>[])),
    schedulerOptions: fc.record({ stableCursor: fc.boolean(), randomStart: fc.boolean() }, { requiredKeys: [] }),
    midStream: fc.constantFrom('reset', 'hash'),
    slowStart: fc.constantFrom({ seconds: 0 }, { seconds: 5 }),
    rescheduleUdp: fc.boolean(),
  },
  { requiredKeys: [] },
);
const serverEdit = fc.record({
  weight: fc.nat(3),
  upperThreshold: fc.constantFrom(0, 0, 2, 6),
  isUp: fc.constantFrom(true, true, true, false),
});

const step = fc.oneof(
  { weight: 1, arbitrary: fc.record({ do: fc.constant('editService' as const), key, edit }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('deleteService' as const), key }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('addServer' as const), key, address, serverEdit }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('editServer' as const), key, address, serverEdit }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('deleteServer' as const), key, address }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('end' as const), key, address }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('undrain' as const), key, address }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('zero' as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('sysctl' as const), value: fc.nat(1) }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('pass' as const), ms: fc.constantFrom(500, 3000, 70_000, 400_000) }),
  },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant('send' as const),
      key,
      first: fc.nat(20),
      count: fc.integer({ min: 1, max: 12 }),
      flags: fc.constantFrom('S', 'S', 'A', 'A', 'FA', 'R', ''),
    }),
  },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

class Run {
  readonly director: OfflineDirector = Director.offline({ source: '10.9.0.1', maxConnections: 1024, seed: 7 });
  #nowMs = 0;
  #received = 0n;

  async take(each: Step): Promise<void> {
    const before = this.director.stats();
    try {
      await this.#take(each);
    } catch (error) {
      assert.ok(error instanceof TunvsError && error.code === 'ERR_TUNVS_INVALID_ARGUMENT', String(error));
      assert.deepEqual(this.director.stats(), before);
    }
  }

  async #take(each: Step): Promise<void> {
    const service = 'key' in each ? this.director.virtualService(each.key) : undefined;
    const server = 'address' in each ? service?.realServer({ address: each.address }) : undefined;
    switch (each.do) {
      case 'editService':
        if (service) service.edit(each.edit);
        else this.director.addVirtualService({ ...each.key, ...each.edit });
        return;
      case 'deleteService':
        return service?.delete();
      case 'addServer':
        if (!server) this.#serviceOf(each.key).addRealServer({ address: each.address, ...each.serverEdit });
        return;
      case 'editServer':
        return server?.edit(each.serverEdit);
      case 'deleteServer':
        return server?.delete();
      case 'end':
        return this.#end(server);
      case 'undrain':
        return server?.undrain();
      case 'zero':
        return this.director.zero();
      case 'sysctl':
        return this.director.setSysctl('expire_nodest_conn', each.value);
      case 'pass':
        this.#nowMs += each.ms;
        return this.director.advance(this.#nowMs);
      case 'send':
        return this.#send(each);
    }
  }

  #serviceOf(key: (typeof KEYS)[number]): VirtualService {
    return this.director.virtualService(key) ?? this.director.addVirtualService(key);
  }

  async #end(server: ReturnType<VirtualService['realServer']>): Promise<void> {
    if (!server) return;
    const { activeConnections, inactiveConnections } = server.stats();
    assert.deepEqual(await server.drain({ deadlineMs: 0 }), { ended: activeConnections + inactiveConnections });
  }

  #send({ key, first, count, flags }: Extract<Step, { do: 'send' }>): void {
    const to = `${key.address}:${key.port}`;
    const packets = Array.from({ length: count }, (_, i) => {
      const from = `198.51.100.7:${2000 + first + i}`;
      return key.protocol === 'tcp' ? tcp({ from, to, flags }) : udp({ from, to });
    });
    const before = this.#openedByWeightless();
    assert.equal(this.director.process(packets, this.#nowMs).verdicts.length, count);
    this.#received += BigInt(count);
    assert.deepEqual(this.#openedByWeightless(), before, 'a server of weight 0 got a new connection');
  }

  #openedByWeightless(): bigint[] {
    const servers = this.director.stats().services.flatMap((service) => service.servers);
    return servers.filter(({ effectiveWeight }) => effectiveWeight === 0).map(({ totals }) => totals.connections);
  }

  async check(): Promise<void> {
    const { counters, services, table } = this.director.stats();
    const count = (name: string) => counters[name as CounterName] ?? 0n;
    assert.equal(count('received'), this.#received);
    assert.equal(
      native.verdicts.map(count).reduce((sum, each) => sum + each, 0n),
      this.#received,
    );
    const live = new Map<string, { active: number; inactive: number }>();
    let connections = 0;
    for await (const row of this.director.connections()) {
      const name = `${row.protocol} ${row.serverAddress}`;
      const counted = live.get(name) ?? { active: 0, inactive: 0 };
      counted[row.active ? 'active' : 'inactive']++;
      live.set(name, counted);
      connections++;
    }
    assert.equal(table.ipv4, connections);
    for (const { protocol, servers } of services) {
      for (const { address, activeConnections, inactiveConnections, ...weighed } of servers) {
        const { active, inactive } = live.get(`${protocol} ${address}`) ?? { active: 0, inactive: 0 };
        assert.deepEqual([activeConnections, inactiveConnections], [active, inactive]);
        const { weight, effectiveWeight, isUp, isDraining } = weighed;
        assert.ok(effectiveWeight <= weight && effectiveWeight > 0 === (weight > 0 && isUp && !isDraining));
      }
    }
    const ended = count('connectionsExpired') + count('connectionsEvicted') + count('connectionsDropped');
    assert.equal(count('connectionsCreated'), ended + BigInt(connections));
    assert.ok(count('connectionsMidStream') <= count('connectionsCreated'));
  }
}

describe('any sequence of control operations between packets', () => {
  it('leaves the counters consistent, and gives nothing to a server of weight 0', async function () {
    this.timeout(60_000);
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 60 }), async (steps) => {
        const run = new Run();
        await using _ = run.director;
        for (const each of steps) {
          await run.take(each);
          await run.check();
        }
      }),
      { numRuns: 150 },
    );
  });
});
