/** The fingerprint of a director: the same for those that send packets to the same servers, another for all others. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Director } from '../../lib/director/director.js';
import { canonical, fingerprintOf } from '../../lib/fleet/fingerprint.js';

const KEY = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;

describe('the fingerprint of a director', () => {
  const directors: Director[] = [];

  afterEach(async () => {
    for (const each of directors.splice(0)) await each.close();
  });

  function opened(source = '10.2.0.2') {
    const director = Director.offline({ source, maxConnections: 1024 });
    directors.push(director);
    return director;
  }

  function withServers(order: readonly number[], source?: string) {
    const director = opened(source);
    const service = director.addVirtualService({ ...KEY, scheduler: 'wrr' });
    for (const last of order) service.addRealServer({ address: `10.3.0.${last}`, weight: last });
    return { director, service };
  }

  it('is the same in whatever order, and whatever is of the director alone', () => {
    const first = fingerprintOf(withServers([1, 2, 3]).director);
    assert.match(first, /^[0-9a-f]{16}$/);
    const { director } = withServers([3, 1, 2], '10.2.0.3');
    director.setTimeouts({ tcp: 30 });
    assert.equal(fingerprintOf(director), first);
  });

  it('is one that a later version has as well', () => {
    assert.equal(fingerprintOf(withServers([1, 2]).director), '757cf2dc4d0b82e0');
    assert.equal(fingerprintOf(opened()), '4f53cda18c2baa0c');
  });

  const changes: [string, (parts: ReturnType<typeof withServers>) => void][] = [
    ['a weight', ({ service }) => service.realServers[0]?.edit({ weight: 9 })],
    ['a server that is down', ({ service }) => Object.assign(service.realServers[0] ?? {}, { isUp: false })],
    ['a drain', ({ service }) => void service.realServers[0]?.drain().catch(() => {})],
    ['a server less', ({ service }) => service.realServers[0]?.delete()],
    ['another scheduler', ({ service }) => service.edit({ scheduler: 'rr' })],
    ['persistence', ({ service }) => service.edit({ persistence: { timeoutSeconds: 60 } })],
    ['another method', ({ service }) => service.realServers[0]?.edit({ forwarding: 'gre' })],
    ['a threshold', ({ service }) => service.realServers[0]?.edit({ upperThreshold: 5 })],
    ['a mark', ({ director }) => director.setMarks([{ mark: 1, destination: '192.0.2.9' }])],
    ['one service more', ({ director }) => director.addVirtualService({ ...KEY, port: 81 })],
  ];
  for (const [what, change] of changes) {
    it(`is another one with ${what}`, () => {
      const parts = withServers([1, 2]);
      const before = fingerprintOf(parts.director);
      change(parts);
      assert.notEqual(fingerprintOf(parts.director), before);
    });
  }

  it('counts what is meant, and not how it is written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), (value) => {
        const turned = Object.fromEntries(Object.entries(value).reverse());
        assert.equal(canonical(turned), canonical({ ...value, left: undefined }));
        assert.deepEqual(JSON.parse(canonical(value)), JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
