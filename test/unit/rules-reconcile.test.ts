import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Director } from '../../lib/director/director.js';
import { native } from '../../lib/native/addon.js';
import { ruleChanges } from '../../lib/rules/changes.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { putIntoForce } from '../../lib/rules/put-into-force.js';
import { reconcile } from '../../lib/rules/reconcile.js';
import { wantedByRules } from '../../lib/rules/reload.js';
import { heldBy, type Wanted } from '../../lib/rules/wanted.js';

const SOURCE = '10.2.0.2';

function wanted(rules: string): Promise<Wanted> {
  return wantedByRules(parseRules(rules, { file: 'test', support: native, isTimed: false }), {
    sources: [SOURCE],
    fullNat: undefined,
  });
}

const changes = async (now: string, next: string) =>
  ruleChanges(reconcile(await wanted(now), await wanted(next))).map(({ rule }) => rule);

const WEB = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 3
-a -t 192.0.2.1:80 -r 10.0.0.12 -i -x 10`;

describe('reconciling one configuration with another', () => {
  it('changes nothing where nothing differs', async () => {
    assert.deepEqual(await changes(WEB, WEB), []);
    assert.deepEqual(await changes('', ''), []);
  });

  it('deletes what is not wanted, before it adds what is missing', async () => {
    assert.deepEqual(await changes(WEB, '-A -u 192.0.2.1:53\n-a -u 192.0.2.1:53 -r 10.0.0.11 -i'), [
      '-D -t 192.0.2.1:80',
      '-A -u 192.0.2.1:53 -s wlc',
      '-a -u 192.0.2.1:53 -r 10.0.0.11:53 -i -w 1 --tun-type ipip',
    ]);
  });

  it('touches only the server that differs', async () => {
    const wanted = `-A -t 192.0.2.1:80 -s rr
-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 4
-a -t 192.0.2.1:80 -r 10.0.0.12 -i -x 10`;
    assert.deepEqual(await changes(WEB, wanted), ['-e -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 4 --tun-type ipip']);
  });

  it('sees a threshold or a scheduler that differs', async () => {
    assert.deepEqual(await changes(WEB, WEB.replace('-x 10', '-x 11').replace('-s rr', '-s wrr')), [
      '-E -t 192.0.2.1:80 -s wrr',
      '-e -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type ipip -x 11',
    ]);
  });

  it('sees a tunnel or a forwarding method that differs', async () => {
    const gue = WEB.replace('10.0.0.11 -i', '10.0.0.11 -i --tun-type gue --tun-port 6080');
    const printed = '-e -t 192.0.2.1:80 -r 10.0.0.11:80';
    assert.deepEqual(await changes(WEB, gue), [`${printed} -i -w 3 --tun-type gue --tun-port 6080 --tun-nocsum`]);
    assert.deepEqual(await changes(gue, gue.replace('6080', '6081 --tun-csum')), [
      `${printed} -i -w 3 --tun-type gue --tun-port 6081 --tun-csum`,
    ]);
    assert.deepEqual(await changes(gue, WEB.replace('10.0.0.11 -i', '10.0.0.11 -g')), [`${printed} -g -w 3`]);
  });

  it('tells IPv6, UDP and SCTP services of one port apart', async () => {
    const all = ['-t [2001:db8::1]:80', '-t 192.0.2.1:80', '-u 192.0.2.1:80', '--sctp-service 192.0.2.1:80'];
    const rules = all.map((service) => `-A ${service} -s rr`);
    assert.deepEqual(await changes(rules.join('\n'), rules.join('\n')), []);
    assert.deepEqual(await changes('', rules.join('\n')), rules);
  });

  it('adds servers in the order of the rules', async () => {
    assert.deepEqual(await changes('-A -t 192.0.2.1:80 -s rr', WEB), [
      '-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 3 --tun-type ipip',
      '-a -t 192.0.2.1:80 -r 10.0.0.12:80 -i -w 1 --tun-type ipip -x 10',
    ]);
  });

  it('makes any configuration into any other', async () => {
    await fc.assert(
      fc.asyncProperty(configuration, configuration, async (before, after) => {
        await using director = Director.offline({ source: SOURCE, maxConnections: 1024 });
        const [first, second] = [await wanted(before), await wanted(after)];
        putIntoForce(director, reconcile(heldBy(director), first));
        putIntoForce(director, reconcile(heldBy(director), second));
        assert.deepEqual(sorted(heldBy(director)), sorted(second));
        assert.deepEqual(reconcile(heldBy(director), second), []);
      }),
      { numRuns: 50 },
    );
  });
});

const sorted = ({ services }: Wanted) =>
  services
    .map(({ identity, settings, servers }) => ({
      port: identity.port,
      scheduler: settings.scheduler,
      servers: servers.map(({ address, settings: { weight } }) => `${address} ${weight}`).sort(),
    }))
    .sort((left, right) => left.port - right.port);

const server = fc.record({ host: fc.integer({ min: 1, max: 5 }), weight: fc.integer({ min: 0, max: 2 }) });
const service = fc.record({
  port: fc.integer({ min: 1, max: 4 }),
  scheduler: fc.constantFrom('rr', 'wlc'),
  servers: fc.uniqueArray(server, { selector: ({ host }) => host, maxLength: 4 }),
});
const configuration: fc.Arbitrary<string> = fc
  .uniqueArray(service, { selector: ({ port }) => port, maxLength: 4 })
  .map((services) => {
    const rules = services.flatMap(({ port, scheduler, servers }) => [
      `-A -t 192.0.2.1:${port} -s ${scheduler}`,
      ...servers.map(({ host, weight }) => `-a -t 192.0.2.1:${port} -r 10.0.0.${host} -i -w ${weight}`),
    ]);
    return rules.join('\n');
  });
