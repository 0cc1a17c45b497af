/** `tunvs run` checks the servers of its configuration by their tunnels, and shows what it has found. */
import { strict as assert } from 'node:assert';
import type { HealthOverview } from '../../lib/control/schema/health.js';
import { eventually } from '../support/eventually.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';
import { Operated } from '../support/operated.js';

const GONE = '10.77.0.1';

type Servers = HealthOverview['services'][number]['servers'];

describeLab('tunvs run with health checks', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;

  before(async () => {
    stage = await TestStage.open();
    operated = new Operated(stage.director);
  });

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  function configure(rise: number): string {
    const servers = [...stage.servers.map(({ address }) => ({ address })), { address: GONE }];
    const listen = `tcp ${stage.virtualAddress}:${PORT}`;
    const health = { check: 'tcp', interval: '300ms', timeout: '200ms', retries: 0, rise };
    const services = [{ listen, scheduler: 'rr', health, servers }];
    return operated.write('tunvs.json', JSON.stringify({ source: stage.topology.directorAddress, services }));
  }

  async function servers(): Promise<Servers> {
    const { stdout } = await operated.tunvs('health', '--json');
    return (JSON.parse(stdout) as HealthOverview).services[0]?.servers ?? [];
  }

  const stateOf = (all: Servers, address: string) => all.find((each) => each.address === address)?.state;

  it('tells a server that is not there from those that answer, and keeps what it knows over a reload', async () => {
    await operated.start(['--config', configure(2)]);
    const isKnown = (all: Servers) =>
      stateOf(all, GONE) === 'down' && stage.servers.every(({ address }) => stateOf(all, address) === 'up');
    const before = await eventually(servers, isKnown, 'servers by their state');

    const { stdout: screen } = await operated.tunvs('health');
    assert.match(screen, new RegExp(`^ {2}${GONE}:${PORT} +down +since .*tcp: `, 'm'));
    const { stdout: status } = await operated.tunvs('status');
    assert.match(status, new RegExp(`^health +${GONE}:${PORT} of tcp ${stage.virtualAddress}:${PORT}: tcp: `, 'm'));
    const flow = {
      ...{ protocol: 'tcp', clientAddress: '198.51.100.7', clientPort: 40000 },
      ...{ virtualAddress: stage.virtualAddress, virtualPort: PORT },
    };
    const { stdout: explained } = await operated.curl(['--json', JSON.stringify(flow), 'http://tunvs/v1/explain']);
    assert.match(explained, new RegExp(`Not chosen: ${GONE}:${PORT} is down since [0-9:]+ \\(tcp: `));
    const words = [
      '--client',
      `${flow.clientAddress}:${flow.clientPort}`,
      '--virtual',
      `${flow.virtualAddress}:${flow.virtualPort}`,
    ];
    const { stdout: said } = await operated.tunvs('explain', ...words);
    assert.match(said, /Not chosen: .* is down since /);
    const { stdout: figures } = await operated.curl(['http://tunvs/metrics']);
    assert.match(figures, /^tunvs_server_checks_total\{.*remote_address="10\.77\.0\.1".*result="passed"\} 0$/m);

    configure(3);
    const { stdout: reloaded } = await operated.tunvs('reload');
    assert.match(reloaded, /health: rise 2 -> 3/);
    const after = await servers();
    assert.equal(stateOf(after, GONE), 'down');
    assert.equal(
      after.find(({ address }) => address === GONE)?.since,
      before.find(({ address }) => address === GONE)?.since,
    );
  });
});
