import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { applySpec, planSpec, SpecSession } from '../../lib/config/apply/spec-session.js';
import { type Spec, specSchema } from '../../lib/config/spec.js';
import { Director } from '../../lib/director/director.js';
import { heldBy } from '../../lib/rules/wanted.js';

const SOURCE = '10.2.0.2';

const whole = (min: number, max: number) => fc.integer({ min, max });
const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });

const forwarding = fc.oneof(
  fc.constantFrom({}, { forwarding: 'ipip' }, { forwarding: 'dr' }, { forwarding: 'gre', tunnelChecksum: 'checksum' }),
  fc.record({ forwarding: fc.constant('gue'), tunnelPort: whole(6080, 6082) }),
);
const server = fc
  .record({ host: whole(1, 8), weight: some(whole(0, 3)), upperThreshold: some(whole(1, 5)), tunnel: forwarding })
  .map(({ host, tunnel, ...others }) => ({ address: `10.3.0.${host}`, ...tunnel, ...others }));
const behaviour = fc.constantFrom(
  { scheduler: 'rr' },
  { scheduler: 'wrr', slowStart: { seconds: 9 }, schedulerOptions: { stableCursor: true } },
  { scheduler: 'sh', schedulerFlags: ['sh-fallback'] },
  { scheduler: 'maglev', midStream: 'hash', schedulerOptions: { tableSize: 251 } },
  {},
);
const service = fc
  .record({
    port: whole(1, 6),
    behaviour,
    persistence: some(fc.record({ timeoutSeconds: some(whole(1, 3)), netmask: some(whole(24, 25)) })),
    timeouts: some(fc.record({ established: whole(1, 3) })),
    servers: some(fc.uniqueArray(server, { selector: ({ address }) => address, maxLength: 6 })),
  })
  .map(({ port, behaviour, ...others }) => ({ protocol: 'tcp', address: '192.0.2.1', port, ...behaviour, ...others }));
const spec: fc.Arbitrary<Spec> = fc
  .record({
    services: fc.uniqueArray(service, { selector: ({ port }) => port, maxLength: 5 }),
    marks: some(fc.array(fc.record({ mark: whole(1, 3), port: some(whole(1, 3)) }), { maxLength: 3 })),
    timeouts: some(fc.record({ tcp: whole(0, 3), udp: some(whole(1, 3)) })),
    sysctls: some(fc.record({ sloppy_tcp: whole(0, 1) })),
  })
  .map((given) => specSchema.parse({ source: SOURCE, ...JSON.parse(JSON.stringify(given)) }));

/** What the director holds, without the order of services and servers. */
function unordered(director: Director): object {
  const { services, ...others } = heldBy(director);
  const sorted = services
    .map((each) => ({ ...each, servers: each.servers.toSorted((a, b) => (a.address < b.address ? -1 : 1)) }))
    .sort((left, right) => left.identity.port - right.identity.port);
  return { ...others, services: sorted };
}

const handles = (director: Director) => director.virtualServices.flatMap((each) => [each, ...each.realServers]);

describe('a spec after another', () => {
  it('leaves what it would have made from nothing, by no more changes than there are differences', async () => {
    await fc.assert(
      fc.asyncProperty(spec, spec, async (first, second) => {
        await using director = Director.offline({ source: SOURCE, maxConnections: 1024 });
        await using fresh = Director.offline({ source: SOURCE, maxConnections: 1024 });
        const session = new SpecSession(director);
        await session.apply({ spec: first });
        assert.deepEqual(await session.apply({ spec: first }), []);
        const before = handles(director);
        const plan = await session.plan({ spec: second });
        assert.deepEqual(await session.apply({ spec: second }), plan);
        await applySpec(fresh, second);
        assert.deepEqual(unordered(director), unordered(fresh));
        assert.deepEqual(await planSpec(director, second), []);
        const after = new Set(handles(director));
        const kept = before.filter((handle) => after.has(handle));
        assert.deepEqual(
          handles(director).filter((handle) => before.includes(handle)),
          kept,
          'what stays keeps its handle and its order',
        );
        await session.close();
      }),
      { numRuns: 60 },
    );
  });

  it('changes nothing of what it does not say otherwise, whatever was changed by hand', async () => {
    await fc.assert(
      fc.asyncProperty(spec, whole(1, 9), async (first, weight) => {
        await using director = Director.offline({ source: SOURCE, maxConnections: 1024 });
        const session = new SpecSession(director);
        await session.apply({ spec: first });
        for (const each of director.virtualServices) {
          for (const server of each.realServers) server.weight = weight;
          each.addRealServer({ address: '10.3.0.99' });
        }
        director.setTimeouts({ tcp: 44 });
        const before = heldBy(director);
        assert.deepEqual(await session.apply({ spec: first }), []);
        assert.deepEqual(heldBy(director), before);
        await session.close();
      }),
      { numRuns: 40 },
    );
  });
});
