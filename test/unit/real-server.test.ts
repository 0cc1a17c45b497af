import { strict as assert } from 'node:assert';
import type { RealServerEdit, RealServerOptions } from '../../lib/values/server-options.js';
import { fakeConfiguration, serverRow, serviceRow } from '../support/fake-configuration.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const ADDRESS = '10.0.0.11';
const PLAIN_TUNNEL = { forwarding: 'ipip', tunnelPort: 0, tunnelChecksum: 'none', clientAddress: 'none' };

function withServer(options: Partial<RealServerOptions> = {}) {
  const fake = fakeConfiguration();
  const web = fake.configuration.addVirtualService(WEB);
  const server = web.addRealServer({ address: ADDRESS, ...options });
  return { ...fake, fake, web, server };
}

describe('a real server', () => {
  it("has weight 1, forwarding ipip, the service's port and no thresholds unless told otherwise", () => {
    const { server } = withServer();
    const { address, port, weight, forwarding, upperThreshold, lowerThreshold } = server;
    assert.deepEqual(
      { address, port, weight, forwarding, upperThreshold, lowerThreshold },
      { address: ADDRESS, port: 80, weight: 1, forwarding: 'ipip', upperThreshold: 0, lowerThreshold: 0 },
    );
  });

  const mistakes: [what: string, options: object, message: RegExp][] = [
    ['a weight below 0', { weight: -1 }, /weight: expected an integer from 0 to 2147483647, got -1/],
    ['a weight above 2^31 - 1', { weight: 2 ** 31 }, /weight: expected an integer from 0 to 2147483647/],
    [
      'an unknown forwarding method',
      { forwarding: 'masq' },
      /forwarding: expected one of 'ipip', 'gue', 'gre', 'dr', 'local', 'nat', 'snat', got 'masq'/,
    ],
    [
      'another port, which a tunnel cannot change',
      { port: 8080 },
      /port: expected 80, .* 'ipip' leaves ports as they are, got 8080/,
    ],
    [
      'a lower threshold above the upper',
      { upperThreshold: 5, lowerThreshold: 6 },
      /lowerThreshold: expected at most the upperThreshold, 5, got 6/,
    ],
    [
      'a lower threshold without an upper',
      { lowerThreshold: 1 },
      /lowerThreshold: expected at most the upperThreshold, 0/,
    ],
    ['an unspecified address', { address: '0.0.0.0' }, /address: expected a unicast address/],
    ['an unknown option', { wieght: 3 }, /there is no option "wieght"/],
  ];
  for (const [what, options, message] of mistakes) {
    it(`is not added with ${what}`, () => {
      const { configuration, applied } = fakeConfiguration();
      const web = configuration.addVirtualService(WEB);
      const wrong = { address: ADDRESS, ...options } as RealServerOptions;
      assert.throws(() => web.addRealServer(wrong), { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
      assert.equal(applied.length, 1);
    });
  }

  it('can be added once', () => {
    const { web } = withServer();
    assert.throws(() => web.addRealServer({ address: ADDRESS }), {
      code: 'ERR_TUNVS_EXISTS',
      message: /10\.0\.0\.11:80 already/,
    });
  });

  it('keeps what an edit leaves out', () => {
    const { server, applied } = withServer({ weight: 5, upperThreshold: 100, lowerThreshold: 50 });
    server.edit({ upperThreshold: 200 });
    assert.deepEqual(applied.at(-1), [
      {
        op: 'editServer',
        service: { protocol: 6, address: '192.0.2.1', port: 80 },
        server: { address: ADDRESS, port: 80 },
        config: { ...PLAIN_TUNNEL, weight: 5, upperThreshold: 200, lowerThreshold: 50 },
        condition: { isUp: true, isDraining: false },
      },
    ]);
    assert.throws(
      () => server.edit({ upperThreshold: 10 }),
      /lowerThreshold: expected at most the upperThreshold, 10, got 50/,
    );
    server.weight = 0;
    assert.equal(server.weight, 0);
    assert.equal(server.upperThreshold, 200);
  });

  it('takes undefined for an option left out in edit(), and for a mistake in a setter', () => {
    const { server } = withServer({ weight: 5 });
    server.isUp = false;
    server.edit({ weight: undefined, isUp: undefined } as RealServerEdit);
    assert.deepEqual([server.weight, server.isUp], [5, false]);
    const nothing = undefined as never;
    assert.throws(
      () => {
        server.weight = nothing;
      },
      {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        option: 'weight',
        message: /weight: expected an integer .*, got undefined/,
      },
    );
    assert.throws(
      () => {
        server.isUp = nothing;
      },
      { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'isUp', message: /isUp: expected true or false, got undefined/ },
    );
    assert.deepEqual([server.weight, server.isUp], [5, false]);
  });

  it('leaves a handle that only its name can be read of, once it or its service is deleted', () => {
    for (const remove of [
      ({ server }: ReturnType<typeof withServer>) => server.delete(),
      ({ web }: ReturnType<typeof withServer>) => web.delete(),
      ({ configuration }: ReturnType<typeof withServer>) => configuration.clear(),
    ]) {
      const all = withServer();
      remove(all);
      const { server } = all;
      for (const call of [
        () => server.weight,
        () => server.forwarding,
        () => server.upperThreshold,
        () => server.lowerThreshold,
        () => server.edit({}),
        () => server.stats(),
        () => server.delete(),
        () => {
          server.weight = 1;
        },
      ]) {
        assert.throws(call, { code: 'ERR_TUNVS_NOT_FOUND', message: /10\.0\.0\.11:80 of this handle was deleted/ });
      }
      assert.equal(server.address, ADDRESS);
    }
  });

  it('does not come back to life through its old handle', () => {
    const { web, server } = withServer();
    server.delete();
    const again = web.addRealServer({ address: ADDRESS, weight: 9 });
    assert.throws(() => server.weight, { code: 'ERR_TUNVS_NOT_FOUND' });
    assert.equal(again.weight, 9);
  });
});

describe('the stats of a real server', () => {
  it('cost its own row, and no look at the others', () => {
    const fake = fakeConfiguration();
    const service = fake.configuration.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    const server = service.addRealServer({ address: '10.0.0.11' });
    const others = Array.from({ length: 3 }, (_, i) => serverRow({ address: `10.0.1.${i}` }));
    fake.rows.push(serviceRow([...others, serverRow({ activeConnections: 7 })]));
    fake.configuration.backing.serviceRow = () => assert.fail('the rows of all servers were read');
    assert.equal(server.stats().activeConnections, 7);
  });
});

describe('draining a real server', () => {
  const counts = (activeConnections: number, inactiveConnections: number) => [
    serviceRow([serverRow({ activeConnections, inactiveConnections })]),
  ];

  it('gives it no new connections, and waits for the last one, active or not', async () => {
    const { fake, server } = withServer({ weight: 3 });
    fake.rows.push(...counts(1, 1));
    let isDrained = false;
    const drained = server.drain().then(() => {
      isDrained = true;
    });
    assert.deepEqual([server.weight, server.isDraining, server.fullWeight], [3, true, 0]);
    for (const rows of [counts(0, 1), counts(0, 0)]) {
      await new Promise((resolve) => setImmediate(resolve));
      assert.equal(isDrained, false);
      fake.rows.splice(0, 1, ...rows);
      fake.pulse.beat();
    }
    await drained;
    assert.equal(isDrained, true);
    assert.equal(server.isDraining, true);
    server.undrain();
    assert.deepEqual([server.weight, server.isDraining, server.fullWeight], [3, false, 3]);
  });

  it('is done at once without connections', async () => {
    const { fake, server } = withServer();
    fake.rows.push(...counts(0, 0));
    await server.drain();
  });

  interface End {
    when: string;
    act(all: ReturnType<typeof withServer>, abort: AbortController): void;
    expected: object;
  }
  const ends: End[] = [
    {
      when: 'the signal is aborted',
      act: (_, abort) => abort.abort(new Error('enough')),
      expected: { message: 'enough' },
    },
    { when: 'the server is deleted', act: ({ server }) => server.delete(), expected: { code: 'ERR_TUNVS_NOT_FOUND' } },
    { when: 'the service is deleted', act: ({ web }) => web.delete(), expected: { code: 'ERR_TUNVS_NOT_FOUND' } },
    {
      when: 'it is taken back',
      act: ({ server }) => server.undrain(),
      expected: { code: 'ERR_TUNVS_BUSY', message: /undrain/ },
    },
    {
      when: 'the director is closed',
      act: ({ fake }) => {
        fake.isClosed = true;
        fake.pulse.stop();
      },
      expected: { message: 'closed' },
    },
  ];
  for (const { when, act, expected } of ends) {
    it(`rejects when ${when}`, async () => {
      const all = withServer();
      all.fake.rows.push(...counts(3, 0));
      const abort = new AbortController();
      const drained = all.server.drain({ signal: abort.signal });
      await new Promise((resolve) => setImmediate(resolve));
      act(all, abort);
      all.fake.pulse.beat();
      await assert.rejects(drained, expected);
    });
  }

  it('rejects when its time is over, and says how many are left', async () => {
    const { fake, server } = withServer();
    fake.rows.push(...counts(2, 1));
    await assert.rejects(server.drain({ timeoutMs: 1 }), {
      code: 'ERR_TUNVS_BUSY',
      message: /still has 3 connections after 1 ms/,
    });
    assert.equal(server.isDraining, true);
  });

  it('goes on when the weight is changed, which holds once the drain is taken back', async () => {
    const { fake, server } = withServer({ weight: 3 });
    fake.rows.push(...counts(1, 0));
    const drained = server.drain();
    server.weight = 5;
    fake.rows.splice(0, 1, ...counts(0, 0));
    fake.pulse.beat();
    await drained;
    assert.deepEqual([server.weight, server.fullWeight], [5, 0]);
    server.undrain();
    assert.equal(server.fullWeight, 5);
  });

  it('drains nothing when the signal was aborted before', async () => {
    const { server } = withServer({ weight: 4 });
    await assert.rejects(server.drain({ signal: AbortSignal.abort(new Error('before')) }), /before/);
    assert.equal(server.isDraining, false);
  });

  it('refuses unknown options by name', async () => {
    const { server } = withServer({ weight: 4 });
    await assert.rejects(server.drain({ timeout: 1 } as object), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    assert.equal(server.isDraining, false);
  });
});
