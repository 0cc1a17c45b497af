/** What takes replies from a director with NAT is refused or said, and nothing is said where nobody changed anything. */
import { strict as assert } from 'node:assert';
import type { Director } from '../../lib/index.js';
import { DirectorAgent } from '../support/director-agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab } from '../support/lab.js';
import { NAT_SOURCES, NatStage } from '../support/nat-stage.js';

const RULE = 'from 10.4.0.0/24 lookup main';
const ROUTE = '10.4.0.194/31 via 10.4.0.11';

describeLab('a host with NAT servers', () => {
  let stage: NatStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await NatStage.open({ method: 'snat' });
  });

  after(async () => {
    await stage?.close();
  });

  /** Waits until the director's warnings fit: `said` is one of them, or there is none. */
  async function warns(said: RegExp | undefined): Promise<string> {
    const fits = (warnings: string[]) => (said ? warnings.some((each) => said.test(each)) : warnings.length === 0);
    const read = () => director.run((d: Director) => [...d.warnings]);
    const warnings = await eventually(read, fits, said ? `${said} is said` : 'nothing is said any more');
    return warnings.find((each) => said?.test(each)) ?? '';
  }

  for (const [sources, said] of [
    ['10.4.0.252/30', /10\.4\.0\.255 .* is the broadcast address of 10\.4\.0\.0\/24/],
    ['10.4.0.0/30', /10\.4\.0\.1 .* is an address of this host/],
    ['10.4.0.0', /is the network address of 10\.4\.0\.0\/24/],
    ['10.4.0.208/28', /10\.4\.0\.209 .* is a next hop of this host/],
    ['10.4.0.224/28', /"ip route del 10\.4\.0\.228\/30 via 10\.4\.0\.11 dev [^ ]+"/],
  ] as const)
    it(`refuses the sources ${sources}`, async () => {
      const made = ['route add 10.99.0.0/24 via 10.4.0.209', 'route add 10.4.0.228/30 via 10.4.0.11'];
      stage.director.ip(made);
      try {
        await assert.rejects(
          DirectorAgent.open(stage.director, { source: stage.source, fullNat: { sources } }),
          ({ message }: Error) => said.test(message) && message.includes('--nat-source'),
        );
      } finally {
        stage.director.ip(made.map((words) => words.replace(' add ', ' del ')));
      }
    });

  it('finds nothing changed when it is opened with the device of a mark', async () => {
    const options = { source: stage.source, fullNat: { sources: Object.values(NAT_SOURCES) } };
    director = await DirectorAgent.open(stage.director, { ...options, markDevices: [{ mark: 7 }] });
    await stage.addServices(director);
    await director.run((d) => {
      const service = d.addVirtualService({ protocol: 'tcp', address: '192.0.2.77', port: 80 });
      service.addRealServer({ address: '10.4.0.11', port: 8080, forwarding: 'nat' });
    });
    assert.equal(await director.run((d) => d.mendHost()), 0);
    assert.deepEqual(await director.run((d) => [d.stats().host?.mended, d.warnings.length]), [0, 0]);
  });

  it('is told of a rule of others that takes replies, until it is moved as the warning says', async () => {
    stage.director.ip([`rule add pref 5 ${RULE}`]);
    const said = await warns(/a rule of others \("pref 5 from 10\.4\.0\.0\/24 lookup main"\)/);
    const commands = [...said.matchAll(/"ip (rule (?:add|del) [^"]+)"/g)].map(([, words]) => words ?? '');
    assert.equal(commands.length, 2);
    stage.director.ip(commands);
    await warns(undefined);
    stage.director.ip([`rule del pref 105 ${RULE}`]);
  });

  it("is told of a route of others within full NAT's sources, and how to remove it", async () => {
    stage.director.ip([`route add ${ROUTE}`]);
    const said = await warns(/routes 10\.4\.0\.194\/31 of the source 10\.4\.0\.192\/30 elsewhere/);
    const [, command = ''] = /"ip (route del [^"]+)"/.exec(said) ?? [];
    stage.director.ip([command]);
    await warns(undefined);
  });

  it("is told of an address within full NAT's sources, and how to remove it", async () => {
    stage.director.ip(['address add 10.4.0.193/30 dev lo']);
    const said = await warns(/10\.4\.0\.193 of the source .* is an address of this host, on lo/);
    const [, command = ''] = /"ip (address del [^"]+)"/.exec(said) ?? [];
    stage.director.ip([command]);
    await warns(undefined);
    assert.deepEqual((await stage.fetchMany({ address: stage.virtual(4), requests: 40, concurrency: 8 })).failures, []);
  });
});
