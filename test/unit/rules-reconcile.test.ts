import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { applyTableCommand } from '../../lib/rules/apply.js';
import type { ListedService } from '../../lib/rules/listing/rows.js';
import { printCommand } from '../../lib/rules/print.js';
import { reconcile } from '../../lib/rules/reconcile.js';
import { fakeConfiguration } from '../support/fake-configuration.js';
import { listedServices } from '../support/golden-services.js';

const changes = (now: string, wanted: string) =>
  reconcile(listedServices(now), listedServices(wanted)).map(printCommand);

const WEB = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 3
-a -t 192.0.2.1:80 -r 10.0.0.12 -i -x 10`;

describe('reconciling one configuration with another', () => {
  it('changes nothing where nothing differs', () => {
    assert.deepEqual(changes(WEB, WEB), []);
    assert.deepEqual(changes('', ''), []);
  });

  it('deletes what is not wanted, before it adds what is missing', () => {
    assert.deepEqual(changes(WEB, '-A -u 192.0.2.1:53\n-a -u 192.0.2.1:53 -r 10.0.0.11 -i'), [
      '-D -t 192.0.2.1:80',
      '-A -u 192.0.2.1:53 -s wlc',
      '-a -u 192.0.2.1:53 -r 10.0.0.11:53 -i -w 1 --tun-type ipip',
    ]);
  });

  it('touches only the server that differs', () => {
    const wanted = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 4
-a -t 192.0.2.1:80 -r 10.0.0.12 -i -x 10`;
    assert.deepEqual(changes(WEB, wanted), ['-e -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 4 --tun-type ipip']);
  });

  it('sees a threshold or a scheduler that differs', () => {
    assert.deepEqual(changes(WEB, WEB.replace('-x 10', '-x 11').replace('-s rr', '-s wrr')), [
      '-E -t 192.0.2.1:80 -s wrr',
      '-e -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type ipip -x 11',
    ]);
  });

  it('sees a tunnel or a forwarding method that differs', () => {
    const gue = WEB.replace('10.0.0.11 -i', '10.0.0.11 -i --tun-type gue --tun-port 6080');
    const printed = '-e -t 192.0.2.1:80 -r 10.0.0.11:80';
    assert.deepEqual(changes(WEB, gue), [`${printed} -i -w 3 --tun-type gue --tun-port 6080 --tun-nocsum`]);
    assert.deepEqual(changes(gue, gue.replace('6080', '6081 --tun-csum')), [
      `${printed} -i -w 3 --tun-type gue --tun-port 6081 --tun-csum`,
    ]);
    assert.deepEqual(changes(gue, WEB.replace('10.0.0.11 -i', '10.0.0.11 -g')), [`${printed} -g -w 3`]);
  });

  it('tells IPv6, UDP and SCTP services of one port apart', () => {
    const all = ['-t [2001:db8::1]:80', '-t 192.0.2.1:80', '-u 192.0.2.1:80', '--sctp-service 192.0.2.1:80'];
    const rules = all.map((service) => `-A ${service} -s rr`);
    assert.deepEqual(changes(rules.join('\n'), rules.join('\n')), []);
    assert.deepEqual(changes('', rules.join('\n')), rules);
  });

  it('adds servers in the order of the rules', () => {
    assert.deepEqual(changes('-A -t 192.0.2.1:80 -s rr', WEB), [
      '-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 3 --tun-type ipip',
      '-a -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type ipip -x 10',
    ]);
  });

  it('makes any configuration into any other', () => {
    fc.assert(
      fc.property(configuration, configuration, (now, wanted) => {
        const { configuration: director } = fakeConfiguration();
        for (const command of reconcile([], now)) applyTableCommand(director, command);
        for (const command of reconcile(now, wanted)) applyTableCommand(director, command);
        const held = director.virtualServices.map((service) => ({
          port: service.port,
          scheduler: service.scheduler,
          servers: service.realServers.map(({ address, weight }) => `${address} ${weight}`).sort(),
        }));
        const expected = wanted.map(({ id, scheduler, servers }) => ({
          port: id.kind === 'address' ? id.port : 0,
          scheduler,
          servers: servers.map(({ address, weight }) => `${address} ${weight}`).sort(),
        }));
        const byPort = (left: { port: number }, right: { port: number }) => left.port - right.port;
        assert.deepEqual(held.sort(byPort), expected.sort(byPort));
      }),
    );
  });
});

const server = fc.record({ host: fc.integer({ min: 1, max: 5 }), weight: fc.integer({ min: 0, max: 2 }) });
const service = fc.record({
  port: fc.integer({ min: 1, max: 4 }),
  scheduler: fc.constantFrom('rr', 'wlc'),
  servers: fc.uniqueArray(server, { selector: ({ host }) => host, maxLength: 4 }),
});
const configuration: fc.Arbitrary<ListedService[]> = fc
  .uniqueArray(service, { selector: ({ port }) => port, maxLength: 4 })
  .map((services) => {
    const rules = services.flatMap(({ port, scheduler, servers }) => [
      `-A -t 192.0.2.1:${port} -s ${scheduler}`,
      ...servers.map(({ host, weight }) => `-a -t 192.0.2.1:${port} -r 10.0.0.${host} -i -w ${weight}`),
    ]);
    return listedServices(rules.join('\n'));
  });
