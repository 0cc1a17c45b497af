import { strict as assert } from 'node:assert';
import type { Scheduler } from '../../lib/values/scheduler.js';
import type { VirtualServiceOptions } from '../../lib/director/service-options.js';
import { fakeConfiguration, serverRow, serviceRow } from '../support/fake-configuration.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;

describe('a virtual service', () => {
  it('has the scheduler wlc unless told otherwise', () => {
    const { configuration } = fakeConfiguration();
    assert.equal(configuration.addVirtualService(WEB).scheduler, 'wlc');
    assert.equal(configuration.addVirtualService({ ...WEB, port: 81, scheduler: 'rr' }).scheduler, 'rr');
  });

  it('can be added once', () => {
    const { configuration } = fakeConfiguration();
    configuration.addVirtualService(WEB);
    assert.throws(() => configuration.addVirtualService({ ...WEB, scheduler: 'rr' }), {
      code: 'ERR_TUNVS_EXISTS',
      message: /tcp 192\.0\.2\.1:80 .* edit\(\)/,
    });
    configuration.addVirtualService({ ...WEB, protocol: 'udp' });
  });

  const mistakes: [what: string, options: object, message: RegExp][] = [
    [
      'a protocol that is not balanced',
      { protocol: 'icmp' },
      /protocol: expected one of 'tcp', 'udp', 'sctp', got 'icmp'/,
    ],
    [
      'port 0 and no persistence',
      { port: 0 },
      /expected a port from 1 to 65535, unless the service is persistent, got 0: for every port .*\}$/,
    ],
    ['a multicast address', { address: '239.1.1.1' }, /address: expected a unicast address/],
    ['an unknown scheduler', { scheduler: 'fastest' }, /scheduler: expected one of 'rr', .*, got 'fastest'/],
    [
      'an unknown option',
      { schedular: 'rr' },
      /there is no option "schedular"; it takes protocol, address, port, lastPort, mark, family, scheduler/,
    ],
  ];
  for (const [what, options, message] of mistakes) {
    it(`is not added with ${what}`, () => {
      const { configuration, applied } = fakeConfiguration();
      const wrong = { ...WEB, ...options } as VirtualServiceOptions;
      assert.throws(() => configuration.addVirtualService(wrong), { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
      assert.deepEqual(applied, []);
    });
  }

  it("takes timeouts of its protocol's states alone, and keeps them through edits", () => {
    const { configuration, applied } = fakeConfiguration();
    const web = configuration.addVirtualService({ ...WEB, timeouts: { established: 3600, finWait: 30 } });
    assert.deepEqual(web.timeouts, { established: 3600, finWait: 30 });
    const operation = applied[0]?.[0];
    assert.ok(operation?.op === 'addService');
    assert.deepEqual(operation.config.timeouts, { established: 3600, finWait: 30 });
    web.edit({ scheduler: 'rr' });
    assert.deepEqual(web.timeouts, { established: 3600, finWait: 30 });
    web.edit({ timeouts: { close: 1 } });
    assert.deepEqual(web.timeouts, { close: 1 });
    const names = configuration.addVirtualService({ ...WEB, protocol: 'udp', timeouts: { udp: 10 } });
    assert.deepEqual(names.timeouts, { udp: 10 });
    const marked = configuration.addVirtualService({ mark: 1, timeouts: { udp: 10, established: 5, sctpClosed: 6 } });
    assert.deepEqual(marked.timeouts, { udp: 10, established: 5, sctpClosed: 6 });
    const code = 'ERR_TUNVS_INVALID_ARGUMENT';
    assert.throws(() => web.edit({ timeouts: { udp: 10 } }), { code, message: /timeouts: there is no option "udp"/ });
    assert.throws(() => names.edit({ timeouts: { established: 1 } }), { code, message: /"established"; it takes udp/ });
    assert.throws(() => web.edit({ timeouts: { close: 0 } }), {
      code,
      message: /timeouts.close: .* from 1 to 2678400/,
    });
    assert.deepEqual(web.timeouts, { close: 1 });
  });

  it('keeps what an edit leaves out', () => {
    const { configuration } = fakeConfiguration();
    const web = configuration.addVirtualService({ ...WEB, scheduler: 'lc' });
    web.edit({});
    assert.equal(web.scheduler, 'lc');
    web.edit({ scheduler: 'wrr' });
    assert.equal(web.scheduler, 'wrr');
    assert.throws(() => web.edit({ scheduler: 'x' as Scheduler }), /VirtualService.edit: scheduler/);
  });

  it('zeroes itself alone', () => {
    const { configuration, applied } = fakeConfiguration();
    configuration.addVirtualService(WEB).zero();
    assert.deepEqual(applied.at(-1), [{ op: 'zero', service: { protocol: 6, address: '192.0.2.1', port: 80 } }]);
  });

  it('shows its stats with servers newest first', () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService(WEB);
    fake.rows.push(serviceRow([], { port: 443 }));
    fake.rows.push(
      serviceRow([serverRow({ address: '10.0.0.12' }), serverRow({ inPackets: 7n })], { connections: 5n }),
    );
    const stats = web.stats();
    assert.equal(stats.protocol, 'tcp');
    assert.equal(stats.totals.connections, 5n);
    assert.deepEqual(
      stats.servers.map((each) => [each.address, each.totals.inPackets]),
      [
        ['10.0.0.12', 0n],
        ['10.0.0.11', 7n],
      ],
    );
  });

  it('says so when its stats are asked for before it is in force', () => {
    const { configuration } = fakeConfiguration();
    configuration.transaction((t) => {
      const web = t.addVirtualService(WEB);
      assert.throws(() => web.stats(), { code: 'ERR_TUNVS_NOT_FOUND', message: /not in force yet/ });
    });
  });

  it('leaves a handle that only its name can be read of, once deleted', () => {
    const { configuration } = fakeConfiguration();
    const web = configuration.addVirtualService(WEB);
    web.delete();
    const again = configuration.addVirtualService(WEB);
    const gone = { code: 'ERR_TUNVS_NOT_FOUND', message: /tcp 192\.0\.2\.1:80 of this handle was deleted/ };
    for (const call of [
      () => web.scheduler,
      () => web.realServers,
      () => web.realServer({ address: '10.0.0.1' }),
      () => web.addRealServer({ address: '10.0.0.1' }),
      () => web.edit({}),
      () => web.zero(),
      () => web.stats(),
      () => web.delete(),
    ]) {
      assert.throws(call, gone);
    }
    assert.deepEqual([web.protocol, web.address, web.port], ['tcp', '192.0.2.1', 80]);
    assert.equal(configuration.virtualService(WEB), again);
  });

  it('cannot be deleted by a name that is not there', () => {
    const { configuration } = fakeConfiguration();
    assert.throws(() => configuration.deleteVirtualService(WEB), {
      code: 'ERR_TUNVS_NOT_FOUND',
      message: /no virtual service tcp 192\.0\.2\.1:80/,
    });
  });
});
