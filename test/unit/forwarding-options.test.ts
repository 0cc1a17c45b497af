import { strict as assert } from 'node:assert';
import type { RealServerEdit, RealServerOptions } from '../../lib/values/server-options.js';
import { fakeConfiguration } from '../support/fake-configuration.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const WEB6 = { ...WEB, address: '2001:db8::1' };
const GUE = { forwarding: 'gue', tunnelPort: 6080 } as const;

function serverOf(service: typeof WEB | typeof WEB6, options: RealServerOptions) {
  const { configuration, applied } = fakeConfiguration();
  const server = configuration.addVirtualService({ ...service }).addRealServer(options);
  const lastConfig = () => {
    const operation = applied.at(-1)?.at(-1);
    assert.ok(operation && 'server' in operation && 'config' in operation);
    const { forwarding, tunnelPort, tunnelChecksum } = operation.config;
    return [forwarding, tunnelPort, tunnelChecksum];
  };
  return { server, lastConfig };
}

describe('the port of a real server', () => {
  it('may be its own with nat, which then stays its method', () => {
    const { server } = serverOf(WEB, { address: '10.0.0.11', port: 8080, forwarding: 'nat' });
    server.edit({ weight: 2, forwarding: 'nat' });
    for (const forwarding of ['ipip', 'dr', 'gre'] as const)
      assert.throws(
        () => server.edit({ forwarding }),
        new RegExp(
          `forwarding: expected a method that changes ports, because the server has port 8080, got '${forwarding}': add`,
        ),
      );
    assert.deepEqual([server.forwarding, server.port], ['nat', 8080]);
  });

  it('is the service\u2019s with every other method', () => {
    assert.throws(
      () => serverOf(WEB, { address: '10.0.0.11', port: 8080, forwarding: 'gre' }),
      /port: expected 80, the virtual service's port, because 'gre' leaves ports as they are, got 8080/,
    );
    const { server } = serverOf(WEB, { address: '10.0.0.11', forwarding: 'nat' });
    server.edit({ forwarding: 'ipip' });
    assert.equal(server.forwarding, 'ipip');
  });
});

describe('the way to a real server', () => {
  const taken: [options: Partial<RealServerEdit>, config: [string, number, string]][] = [
    [{}, ['ipip', 0, 'none']],
    [{ forwarding: 'dr' }, ['dr', 0, 'none']],
    [{ forwarding: 'gre' }, ['gre', 0, 'none']],
    [{ forwarding: 'gre', tunnelChecksum: 'checksum' }, ['gre', 0, 'checksum']],
    [GUE, ['gue', 6080, 'none']],
    [{ ...GUE, tunnelChecksum: 'checksum' }, ['gue', 6080, 'checksum']],
    [{ ...GUE, tunnelChecksum: 'remote' }, ['gue', 6080, 'remote']],
    [{ forwarding: 'ipip', tunnelChecksum: 'none' }, ['ipip', 0, 'none']],
  ];
  for (const [options, config] of taken) {
    it(`may be ${JSON.stringify(options)}`, () => {
      const { server, lastConfig } = serverOf(WEB, { address: '10.0.0.11', ...options });
      assert.deepEqual(lastConfig(), config);
      assert.deepEqual([server.forwarding, server.tunnelPort, server.tunnelChecksum], config);
    });
  }

  const refused: [options: object, message: RegExp][] = [
    [{ forwarding: 'gue' }, /tunnelPort: expected an integer from 1 to 65535, got undefined/],
    [{ ...GUE, tunnelPort: 0 }, /tunnelPort: expected an integer from 1 to 65535, got 0/],
    [{ ...GUE, tunnelPort: 65536 }, /tunnelPort/],
    [{ tunnelPort: 6080 }, /tunnelPort: expected nothing, because 'ipip' has no port, got 6080: leave it out$/],
    [{ forwarding: 'gre', tunnelPort: 6080 }, /because 'gre' has no port/],
    [{ forwarding: 'dr', tunnelChecksum: 'checksum' }, /tunnelChecksum: expected 'none' with 'dr', got 'checksum'/],
    [{ forwarding: 'gre', tunnelChecksum: 'remote' }, /expected 'none' or 'checksum' with 'gre', got 'remote'/],
    [{ tunnelChecksum: 'checksum' }, /expected 'none' with 'ipip'/],
    [{ ...GUE, tunnelChecksum: 'csum' }, /tunnelChecksum: expected one of 'none', 'checksum', 'remote', got 'csum'/],
  ];
  for (const [options, message] of refused) {
    it(`may not be ${JSON.stringify(options)}`, () => {
      assert.throws(() => serverOf(WEB, { address: '10.0.0.11', ...options }), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        message,
      });
    });
  }

  it('keeps its tunnel options until another method is chosen', () => {
    const { server, lastConfig } = serverOf(WEB, { address: '10.0.0.11', ...GUE, tunnelChecksum: 'remote' });
    server.edit({ weight: 3 });
    assert.deepEqual(lastConfig(), ['gue', 6080, 'remote']);
    server.edit({ tunnelPort: 6081 });
    assert.deepEqual(lastConfig(), ['gue', 6081, 'remote']);
    server.edit({ forwarding: 'gre' });
    assert.deepEqual(lastConfig(), ['gre', 0, 'none']);
    assert.throws(() => server.edit({ forwarding: 'gue' }), /RealServer\.edit: tunnelPort: expected an integer/);
    assert.equal(server.forwarding, 'gre');
  });
});

describe('the address families of a service and its real server', () => {
  for (const forwarding of ['ipip', 'gre', 'gue'] as const) {
    const tunnel = forwarding === 'gue' ? GUE : { forwarding };
    it(`may differ with ${forwarding}`, () => {
      serverOf(WEB, { address: '2001:db8:1::11', ...tunnel });
      serverOf(WEB6, { address: '10.0.0.11', ...tunnel });
    });
  }

  it('are the same with dr', () => {
    serverOf(WEB6, { address: '2001:db8:1::11', forwarding: 'dr' });
    assert.throws(
      () => serverOf(WEB6, { address: '10.0.0.11', forwarding: 'dr' }),
      /address: expected an address of the virtual service's family, because 'dr' is not a tunnel .*, got '10\.0\.0\.11'/,
    );
    const { server } = serverOf(WEB6, { address: '10.0.0.11' });
    assert.throws(() => server.edit({ forwarding: 'dr' }), /RealServer\.edit: address: .*virtual service's family/);
    assert.equal(server.forwarding, 'ipip');
  });

  it('need a source of the real server', () => {
    const { configuration } = fakeConfiguration({ sourceFamilies: [4] });
    const web = configuration.addVirtualService({ ...WEB6 });
    assert.throws(() => web.addRealServer({ address: '2001:db8:1::11' }), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message: /of a source, got '2001:db8:1::11': open the director with an IPv6 source too$/,
    });
    web.addRealServer({ address: '10.0.0.11' });
    web.addRealServer({ address: '2001:db8:1::11', forwarding: 'dr' });
  });

  it('leave a link-local real server out, which would need an interface', () => {
    assert.throws(() => serverOf(WEB6, { address: 'fe80::11' }), /address: expected an address that is not link-local/);
  });
});
