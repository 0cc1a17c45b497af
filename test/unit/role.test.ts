/** What a standby's configuration brings to the host, and what follows when its role changes. */
import { strict as assert } from 'node:assert';
import { Director } from '../../lib/index.js';
import { fakeConfiguration } from '../support/fake-configuration.js';

const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const DNS = { protocol: 'udp', address: '192.0.2.2', port: 53 } as const;

function standby() {
  const fake = fakeConfiguration();
  const { configuration } = fake;
  assert.equal(configuration.role, 'active');
  assert.equal(configuration.setRole('standby'), true);
  return fake;
}

describe('a standby', () => {
  it('has services and servers in the engine, and nothing on the host', () => {
    const fake = standby();
    const web = fake.configuration.addVirtualService(WEB);
    web.addRealServer({ address: '10.0.0.11', forwarding: 'nat' });
    fake.ownAddresses.add('10.0.0.2');
    web.addRealServer({ address: '10.0.0.2' });
    assert.equal(fake.applied.length, 3);
    assert.deepEqual([[...fake.routes], [...fake.localNodes], fake.natServers], [[], [], []]);
    assert.deepEqual([...fake.heldBack], [WEB.address]);
  });

  it('has everything on the host when it becomes active, and gives it back as a standby', () => {
    const fake = standby();
    const web = fake.configuration.addVirtualService(WEB);
    web.addRealServer({ address: '10.0.0.11', forwarding: 'nat' });
    fake.ownAddresses.add('10.0.0.2');
    web.addRealServer({ address: '10.0.0.2' });
    fake.configuration.addVirtualService(DNS);

    assert.equal(fake.configuration.setRole('active'), true);
    assert.deepEqual([...fake.routes], [WEB.address, DNS.address]);
    assert.deepEqual([...fake.localNodes], [WEB.address]);
    assert.deepEqual(
      fake.natServers.map(({ address }) => address),
      ['10.0.0.11'],
    );
    assert.deepEqual([...fake.heldBack], []);

    assert.equal(fake.configuration.setRole('standby'), true);
    assert.deepEqual([[...fake.routes], [...fake.localNodes], fake.natServers], [[], [], []]);
    assert.deepEqual([...fake.configuration.heldBack], [WEB.address, DNS.address]);
    assert.deepEqual(fake.configuration.virtualServices[0]?.realServers.length, 2);
  });

  it('lets go of replies of NAT servers that the director knows of still', () => {
    const fake = fakeConfiguration();
    const web = fake.configuration.addVirtualService(WEB);
    const server = web.addRealServer({ address: '10.0.0.11', forwarding: 'nat' });
    fake.knownNatServers = [...fake.natServers];
    server.delete();
    assert.equal(fake.natServers.length, 1);
    fake.configuration.setRole('standby');
    assert.deepEqual(fake.natServers, []);
  });

  it('stays one when the host refuses an address, and says why', () => {
    const fake = standby();
    fake.configuration.addVirtualService(WEB);
    fake.configuration.addVirtualService(DNS);
    fake.refusedVips.add(DNS.address);
    assert.throws(() => fake.configuration.setRole('active'), /192\.0\.2\.2 is refused/);
    assert.equal(fake.configuration.role, 'standby');
    assert.deepEqual([...fake.routes], []);
    assert.deepEqual([...fake.heldBack], [WEB.address, DNS.address]);
  });

  it('forgets addresses whose last service goes', () => {
    const fake = standby();
    fake.configuration.addVirtualService(WEB).delete();
    assert.deepEqual([...fake.heldBack], []);
  });

  it('is no other within a transaction, and no news when it is one already', () => {
    const fake = standby();
    assert.equal(fake.configuration.setRole('standby'), false);
    assert.throws(() => fake.configuration.transaction(() => fake.configuration.setRole('active')), {
      code: 'ERR_TUNVS_BUSY',
    });
  });
});

describe('the role of a director', () => {
  it('is active at first, and an event tells of another', async () => {
    const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    const told: object[] = [];
    director.on('role', (event) => told.push(event));
    assert.equal(director.role, 'active');
    director.setRole('standby');
    director.setRole('standby');
    director.setRole('active');
    assert.deepEqual(told, [
      { role: 'standby', before: 'active' },
      { role: 'active', before: 'standby' },
    ]);
    assert.throws(() => director.setRole('master' as 'active'), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    await director.close();
    assert.throws(() => director.role, { code: 'ERR_TUNVS_CLOSED' });
  });

  it('changes nothing for connections: packets go where they went', async () => {
    const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    const service = director.addVirtualService({ protocol: 'udp', address: '192.0.2.1', port: 53 });
    service.addRealServer({ address: '10.3.0.11' });
    const packet = Buffer.from('4500001c0000400040114e95c6336407c00002019c40003500080000', 'hex');
    director.process(packet, 0);
    director.setRole('standby');
    assert.deepEqual(director.heldBack, ['192.0.2.1']);
    assert.equal(director.stats().table.ipv4, 1);
    assert.deepEqual(director.process(packet, 1).verdicts, ['forwarded']);
    await director.close();
  });
});

describe('an address that is announced while its service is up', () => {
  const ANNOUNCED = { ...WEB, announce: 'when-up' } as const;

  it('has its route while a server takes connections, without checks', () => {
    const { configuration, routes, heldBack } = reading();
    const web = configuration.addVirtualService(ANNOUNCED);
    assert.deepEqual([routes(), heldBack()], [[], [WEB.address]]);
    const server = web.addRealServer({ address: '10.0.0.11' });
    assert.deepEqual([routes(), heldBack()], [[WEB.address], []]);
    server.isUp = false;
    assert.deepEqual([routes(), heldBack()], [[], [WEB.address]]);
    server.isUp = true;
    server.weight = 0;
    assert.deepEqual(routes(), []);
    web.edit({ announce: 'always' });
    assert.deepEqual([routes(), heldBack()], [[WEB.address], []]);
  });

  it('goes by the quorum where health says one', () => {
    const { configuration, routes } = reading();
    const web = configuration.addVirtualService(ANNOUNCED);
    web.addRealServer({ address: '10.0.0.11' });
    web.applyQuorum(false);
    assert.deepEqual(routes(), []);
    web.applyQuorum(true);
    assert.deepEqual(routes(), [WEB.address]);
    web.applyQuorum(undefined);
    assert.deepEqual(routes(), [WEB.address]);
  });

  it('goes by those of its services alone that are announced so, and stays with one of them', () => {
    const { configuration, routes } = reading();
    const web = configuration.addVirtualService(ANNOUNCED);
    const tls = configuration.addVirtualService({ ...ANNOUNCED, port: 443 });
    configuration.addVirtualService({ ...WEB, port: 8080 }).addRealServer({ address: '10.0.0.11' });
    assert.deepEqual(routes(), []);
    web.applyQuorum(true);
    tls.applyQuorum(true);
    web.applyQuorum(false);
    assert.deepEqual(routes(), [WEB.address]);
    tls.applyQuorum(false);
    assert.deepEqual(routes(), []);
  });

  it('has no route on a standby, whatever its quorum', () => {
    const { configuration, routes } = reading();
    const web = configuration.addVirtualService(ANNOUNCED);
    web.applyQuorum(true);
    configuration.setRole('standby');
    assert.deepEqual(routes(), []);
    web.applyQuorum(false);
    configuration.setRole('active');
    assert.deepEqual(routes(), []);
    web.applyQuorum(true);
    assert.deepEqual(routes(), [WEB.address]);
  });

  it('is tried again while the host refuses it, and that is said once', () => {
    const { fake, configuration, routes } = reading();
    const web = configuration.addVirtualService(ANNOUNCED);
    fake.refusedVips.add(WEB.address);
    web.applyQuorum(true);
    assert.deepEqual(routes(), []);
    assert.deepEqual(fake.said, ['the host does not follow the quorum of a service: 192.0.2.1 is refused']);
    fake.pulse.beat(1000);
    fake.refusedVips.clear();
    fake.pulse.beat(2000);
    assert.deepEqual([routes(), fake.said.length], [[WEB.address], 1]);
  });

  it('refuses another word', () => {
    const { configuration } = fakeConfiguration();
    assert.throws(() => configuration.addVirtualService({ ...WEB, announce: 'never' as 'always' }), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
    });
  });

  function reading() {
    const fake = fakeConfiguration();
    return {
      fake,
      configuration: fake.configuration,
      routes: () => [...fake.routes],
      heldBack: () => [...fake.heldBack],
    };
  }
});
