import { strict as assert } from 'node:assert';
import type { NativeOperation } from '../../lib/native/operations.js';
import type { Persistence } from '../../lib/values/persistence.js';
import { fakeConfiguration, serviceRow } from '../support/fake-configuration.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const WEB6 = { ...WEB, address: '2001:db8::1' } as const;
const DNS = { protocol: 'udp', address: '192.0.2.1', port: 53 } as const;

function configOf(operation: NativeOperation | undefined) {
  assert.ok(operation?.op === 'addService' || operation?.op === 'editService');
  return operation.config;
}

describe('persistence', () => {
  const given: [persistence: Persistence, service: typeof WEB | typeof WEB6, inForce: object][] = [
    [{}, WEB, { timeoutSeconds: 360 }],
    [{ timeoutSeconds: 1 }, WEB, { timeoutSeconds: 1 }],
    [{ timeoutSeconds: 60, netmask: '255.255.255.0' }, WEB, { timeoutSeconds: 60, netmask: '255.255.255.0' }],
    [{ netmask: 24 }, WEB, { timeoutSeconds: 360, netmask: '255.255.255.0' }],
    [{ netmask: 25 }, WEB, { timeoutSeconds: 360, netmask: '255.255.255.128' }],
    [{ netmask: '0.0.0.255' }, WEB, { timeoutSeconds: 360, netmask: '0.0.0.255' }],
    [{ netmask: 32 }, WEB, { timeoutSeconds: 360 }],
    [{ netmask: '255.255.255.255' }, WEB, { timeoutSeconds: 360 }],
    [{ netmask: 64 }, WEB6, { timeoutSeconds: 360, netmask: '64' }],
    [{ netmask: '64' }, WEB6, { timeoutSeconds: 360, netmask: '64' }],
    [{ netmask: 128 }, WEB6, { timeoutSeconds: 360 }],
    [{ engine: 'sip' }, WEB, { timeoutSeconds: 360, engine: 'sip' }],
  ];
  for (const [persistence, service, inForce] of given) {
    it(`is ${JSON.stringify(inForce)} by ${JSON.stringify(persistence)}`, () => {
      const { configuration, applied } = fakeConfiguration();
      const added = configuration.addVirtualService({ ...service, persistence });
      assert.deepEqual(configOf(applied[0]?.[0]).persistence, inForce);
      assert.deepEqual(added.persistence, inForce);
    });
  }

  const mistakes: [persistence: unknown, service: typeof WEB | typeof WEB6, message: RegExp][] = [
    [true, WEB, /persistence: expected false or \{ timeoutSeconds, netmask, engine \}, got true/],
    [{ timeoutSeconds: 0 }, WEB, /timeoutSeconds: expected an integer from 1 to 2678400/],
    [{ netmask: 0 }, WEB, /netmask: expected a prefix length from 1 to 32, or a dotted mask/],
    [{ netmask: '0.0.0.0' }, WEB, /netmask/],
    [{ netmask: 33 }, WEB, /netmask/],
    [{ netmask: '255.255.255.0' }, WEB6, /netmask: expected a prefix length from 1 to 128, got/],
    [{ engine: 'rtsp' }, WEB, /engine: expected one of 'sip'/],
    [{ timeout: 5 }, WEB, /there is no option "timeout"; it takes timeoutSeconds, netmask, engine/],
  ];
  for (const [persistence, service, message] of mistakes) {
    it(`is not ${JSON.stringify(persistence)} of ${service.address}`, () => {
      const { configuration } = fakeConfiguration();
      assert.throws(() => configuration.addVirtualService({ ...service, persistence: persistence as Persistence }), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        message,
      });
    });
  }

  it('stays where an edit leaves it out, and goes with false', () => {
    const { configuration, applied } = fakeConfiguration();
    const web = configuration.addVirtualService({ ...WEB, persistence: { timeoutSeconds: 60, netmask: 24 } });
    web.edit({ scheduler: 'rr' });
    assert.deepEqual(web.persistence, { timeoutSeconds: 60, netmask: '255.255.255.0' });
    web.edit({ persistence: { timeoutSeconds: 90 } });
    assert.deepEqual(web.persistence, { timeoutSeconds: 90 });
    web.edit({ persistence: false });
    assert.equal(web.persistence, undefined);
    assert.deepEqual(configOf(applied.at(-1)?.[0]), { scheduler: 'rr', schedulerFlags: [] });
  });

  it('is what lets a service have every port, and stays with it', () => {
    const { configuration } = fakeConfiguration();
    const web = configuration.addVirtualService({ ...WEB, port: 0, persistence: {} });
    assert.equal(web.addRealServer({ address: '10.0.0.11' }).port, 0);
    assert.throws(
      () => web.edit({ persistence: false }),
      /unless the service is persistent, got 0: .* \{ port: 1, lastPort: 65535 \}/,
    );
    assert.deepEqual(web.persistence, { timeoutSeconds: 360 });
  });

  it('is shown without the netmask that makes no difference', () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService({ ...WEB, persistence: {} });
    fake.rows.push(serviceRow([], { persistence: { timeoutSeconds: 360, netmask: '255.255.255.255' } }));
    assert.deepEqual(web.stats().persistence, { timeoutSeconds: 360 });
    fake.rows[0] = serviceRow([], { persistence: { timeoutSeconds: 5, netmask: '255.255.0.0', engine: 'sip' } });
    assert.deepEqual(web.stats().persistence, { timeoutSeconds: 5, netmask: '255.255.0.0', engine: 'sip' });
    fake.rows[0] = serviceRow();
    assert.equal('persistence' in web.stats(), false);
  });
});

describe('one-packet scheduling', () => {
  it('is for services of UDP and of marks', () => {
    const { configuration, applied } = fakeConfiguration();
    const dns = configuration.addVirtualService({ ...DNS, onePacket: true });
    assert.equal(configOf(applied[0]?.[0]).onePacket, true);
    assert.equal(configuration.addVirtualService({ mark: 1, onePacket: true }).onePacket, true);
    assert.throws(() => configuration.addVirtualService({ ...WEB, onePacket: true }), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message: /onePacket: expected false, because a service of tcp has connections, got true/,
    });
    dns.edit({ scheduler: 'rr' });
    assert.equal(dns.onePacket, true);
    dns.edit({ onePacket: false });
    assert.equal(dns.onePacket, false);
  });
});

describe('a service of many addresses or ports', () => {
  it('has real servers of port 0, which is the port of the packet', () => {
    const { configuration, applied } = fakeConfiguration();
    const range = configuration.addVirtualService({ ...WEB, address: '192.0.2.0/28', port: 8000, lastPort: 8099 });
    assert.deepEqual([range.address, range.port, range.lastPort], ['192.0.2.0/28', 8000, 8099]);
    const server = range.addRealServer({ address: '10.0.0.11' });
    assert.equal(server.port, 0);
    assert.equal(range.realServer({ address: '10.0.0.11' }), server);
    assert.throws(
      () => range.addRealServer({ address: '10.0.0.12', port: 8000 }),
      /port: expected 0, the packet's port/,
    );
    assert.deepEqual(applied[1]?.[0], {
      op: 'addServer',
      service: { protocol: 6, address: '192.0.2.0', prefix: 28, port: 8000, lastPort: 8099 },
      server: { address: '10.0.0.11', port: 0 },
      config: {
        forwarding: 'ipip',
        tunnelPort: 0,
        tunnelChecksum: 'none',
        clientAddress: 'none',
        weight: 1,
        upperThreshold: 0,
        lowerThreshold: 0,
      },
      condition: { isUp: true, isDraining: false },
    });
  });

  it('is another one than that of its first address and port', () => {
    const { configuration, routes } = fakeConfiguration();
    const one = configuration.addVirtualService({ ...WEB, address: '192.0.2.0', port: 8000 });
    const range = configuration.addVirtualService({ ...WEB, address: '192.0.2.0/28', port: 8000, lastPort: 8099 });
    assert.equal(configuration.virtualService(one), one);
    assert.equal(configuration.virtualService(range), range);
    assert.deepEqual([...routes], ['192.0.2.0', '192.0.2.0/28']);
  });

  it('by mark may name its real servers with a port of any kind', () => {
    const { configuration } = fakeConfiguration();
    const marked = configuration.addVirtualService({ mark: 7, family: 6 });
    assert.deepEqual([marked.protocol, marked.address, marked.port, marked.mark], ['ip', '::', 0, 7]);
    assert.equal(marked.addRealServer({ address: '2001:db8::11' }).port, 0);
    assert.equal(marked.addRealServer({ address: '2001:db8::11', port: 8080 }).port, 8080);
    assert.equal(configuration.virtualService({ mark: 7, family: 6 }), marked);
    assert.equal(configuration.virtualService({ mark: 7 }), undefined);
  });
});
