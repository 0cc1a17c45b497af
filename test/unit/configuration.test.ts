import { strict as assert } from 'node:assert';
import { fakeConfiguration } from '../support/fake-configuration.js';

const PLAIN_TUNNEL = { forwarding: 'ipip', tunnelPort: 0, tunnelChecksum: 'none', clientAddress: 'none' };

const UP = { isUp: true, isDraining: false };

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const DNS = { protocol: 'udp', address: '192.0.2.2', port: 53 } as const;

describe('a configuration', () => {
  it('puts a change into force at once, and tells of it', () => {
    const { configuration, applied, told } = fakeConfiguration();
    const web = configuration.addVirtualService(WEB);
    const server = web.addRealServer({ address: '10.0.0.11', weight: 3 });
    const service = { protocol: 6, address: '192.0.2.1', port: 80 };
    const config = { ...PLAIN_TUNNEL, weight: 3, upperThreshold: 0, lowerThreshold: 0 };
    assert.deepEqual(applied, [
      [{ op: 'addService', service, config: { scheduler: 'wlc', schedulerFlags: [] } }],
      [{ op: 'addServer', service, server: { address: '10.0.0.11', port: 80 }, config, condition: UP }],
    ]);
    assert.deepEqual(told, [
      { name: 'virtualService', event: { change: 'added', service: web } },
      { name: 'realServer', event: { change: 'added', service: web, server } },
    ]);
  });

  it('leaves everything as it was when the native part refuses', () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService(WEB);
    const server = web.addRealServer({ address: '10.0.0.11', weight: 3 });
    fake.told.length = 0;
    fake.refuseApply = Object.assign(new Error('full'), { code: 'ERR_TUNVS_LIMIT' });
    const refused = { name: 'TunvsError', code: 'ERR_TUNVS_LIMIT' };
    assert.throws(() => fake.configuration.addVirtualService(DNS), refused);
    assert.throws(() => web.addRealServer({ address: '10.0.0.12' }), refused);
    assert.throws(() => web.edit({ scheduler: 'rr' }), refused);
    assert.throws(() => server.edit({ weight: 9 }), refused);
    assert.throws(() => server.delete(), refused);
    assert.throws(() => web.delete(), refused);
    assert.throws(() => fake.configuration.clear(), refused);
    assert.deepEqual(fake.configuration.virtualServices, [web]);
    assert.deepEqual(web.realServers, [server]);
    assert.equal(web.scheduler, 'wlc');
    assert.equal(server.weight, 3);
    assert.deepEqual([...fake.routes], [WEB.address]);
    assert.deepEqual(fake.told, []);
  });

  it('lists services and servers in the order of adding, also after a deletion that was taken back', () => {
    const fake = fakeConfiguration();
    const ports = [80, 81, 82].map((port) => fake.configuration.addVirtualService({ ...WEB, port }));
    fake.refuseApply = new Error('no');
    assert.throws(() => ports[0]?.delete());
    assert.deepEqual(fake.configuration.virtualServices, ports);
  });

  it('finds services and servers whatever the spelling of the address', () => {
    const { configuration } = fakeConfiguration();
    const web = configuration.addVirtualService({ protocol: 'tcp', address: '2001:DB8::0:1', port: 80 });
    const server = web.addRealServer({ address: '2001:db8:0::11' });
    assert.equal(configuration.virtualService({ protocol: 'tcp', address: '2001:db8::1', port: 80 }), web);
    assert.equal(web.realServer({ address: '2001:DB8::11' }), server);
    assert.equal(web.realServer({ address: '2001:db8::11', port: 81 }), undefined);
  });
});

describe('the routes of virtual addresses', () => {
  it('come with the first service of an address and go with its last', () => {
    const { configuration, routes } = fakeConfiguration();
    const web = configuration.addVirtualService(WEB);
    const tls = configuration.addVirtualService({ ...WEB, port: 443 });
    assert.deepEqual([...routes], [WEB.address]);
    web.delete();
    assert.deepEqual([...routes], [WEB.address]);
    tls.delete();
    assert.deepEqual([...routes], []);
  });

  it('go with clear', () => {
    const { configuration, routes } = fakeConfiguration();
    configuration.addVirtualService(WEB);
    configuration.addVirtualService(DNS);
    configuration.clear();
    assert.deepEqual([...routes], []);
  });

  it('are taken back when one of several is refused, and nothing comes into force', () => {
    const fake = fakeConfiguration();
    fake.refusedVips.add(DNS.address);
    assert.throws(() =>
      fake.configuration.transaction((t) => {
        t.addVirtualService(WEB);
        t.addVirtualService(DNS);
      }),
    );
    assert.deepEqual([...fake.routes], []);
    assert.deepEqual(fake.applied, []);
    assert.deepEqual(fake.configuration.virtualServices, []);
    fake.refusedVips.clear();
    fake.configuration.addVirtualService(WEB);
    assert.deepEqual([...fake.routes], [WEB.address]);
  });

  it('are not touched when an address loses its last service and gets another in one transaction', () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService(WEB);
    fake.refusedVips.add(WEB.address);
    fake.configuration.transaction((t) => {
      web.delete();
      t.addVirtualService({ ...WEB, port: 8080 });
    });
    assert.deepEqual([...fake.routes], [WEB.address]);
  });
});

describe('a transaction', () => {
  it('comes into force as one list, handles from outside taking part, and tells afterwards', () => {
    const fake = fakeConfiguration();
    const dns = fake.configuration.addVirtualService(DNS);
    fake.applied.length = fake.told.length = 0;
    const web = fake.configuration.transaction((t) => {
      const added = t.addVirtualService(WEB);
      added.addRealServer({ address: '10.0.0.11' });
      dns.edit({ scheduler: 'rr' });
      assert.equal(dns.scheduler, 'rr', 'what was done is seen inside');
      assert.deepEqual(fake.told, []);
      return added;
    });
    assert.deepEqual(
      fake.applied.map((list) => list.map((each) => each.op)),
      [['addService', 'addServer', 'editService']],
    );
    assert.deepEqual(
      fake.told.map((each) => `${each.name} ${each.event.change}`),
      ['virtualService added', 'realServer added', 'virtualService edited'],
    );
    assert.equal(fake.configuration.virtualService(WEB), web);
  });

  it('leaves nothing behind when its function throws', () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService(WEB);
    const server = web.addRealServer({ address: '10.0.0.11', weight: 3 });
    fake.applied.length = 0;
    assert.throws(
      () =>
        fake.configuration.transaction((t) => {
          server.weight = 7;
          server.delete();
          web.addRealServer({ address: '10.0.0.11' });
          web.addRealServer({ address: '10.0.0.12' });
          t.deleteVirtualService(WEB);
          t.addVirtualService(WEB);
          t.clear();
          t.addVirtualService(DNS);
          throw new Error('second thoughts');
        }),
      /second thoughts/,
    );
    assert.deepEqual(fake.applied, []);
    assert.deepEqual(fake.configuration.virtualServices, [web]);
    assert.deepEqual(web.realServers, [server]);
    assert.equal(server.weight, 3);
  });

  it('leaves nothing behind when the native part refuses it', () => {
    const fake = fakeConfiguration();
    fake.refuseApply = Object.assign(new Error('no'), { code: 'ERR_TUNVS_LIMIT' });
    assert.throws(() => fake.configuration.transaction((t) => t.addVirtualService(WEB)), { code: 'ERR_TUNVS_LIMIT' });
    assert.deepEqual(fake.configuration.virtualServices, []);
    assert.deepEqual([...fake.routes], []);
  });

  it('within another takes back its own part when it throws', () => {
    const fake = fakeConfiguration();
    fake.configuration.transaction((t) => {
      t.addVirtualService(WEB);
      assert.throws(() =>
        fake.configuration.transaction((inner) => {
          inner.addVirtualService(DNS);
          throw new Error('inner');
        }),
      );
      assert.equal(t.virtualService(DNS), undefined);
    });
    assert.deepEqual(
      fake.applied.map((list) => list.length),
      [1],
    );
    assert.equal(fake.configuration.virtualServices.length, 1);
  });

  it('refuses a function that waits, and takes back what it did', () => {
    const fake = fakeConfiguration();
    assert.throws(() => fake.configuration.transaction(async (t) => t.addVirtualService(WEB)), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message: /cannot wait/,
    });
    assert.deepEqual(fake.configuration.virtualServices, []);
    fake.configuration.addVirtualService(WEB);
    assert.equal(fake.applied.length, 1, 'the transaction is over');
  });

  it('without changes does not bother the native part', () => {
    const fake = fakeConfiguration();
    assert.equal(
      fake.configuration.transaction(() => 42),
      42,
    );
    assert.deepEqual(fake.applied, []);
  });
});
