/** `tunvs run` leaves nothing on its host when it ends amid checks, and a reload does right by a server that is down. */
import { strict as assert } from 'node:assert';
import type { HealthOverview } from '../../lib/control/schema/health.js';
import { Agent } from '../../lib/lab/agent.js';
import { eventually, eventuallyHolds } from '../support/eventually.js';
import { describeLab, hostState, type LabProcess, PORT, program, TestStage, type TestServer } from '../support/lab.js';
import { Operated } from '../support/operated.js';

/** Nobody listens there. */
const OTHER_PORT = 8181;

interface ServerSpec {
  address: string;
  health?: false | { port: number };
}

describeLab('tunvs run that ends, and reloads, while a server is down', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let untouched: string;

  before(async () => {
    // Strict rp_filter is something that own clients of the virtual address have to change.
    stage = await TestStage.open({ topology: 'lan', rpFilter: 1, realServers: 3 });
    untouched = await hostState(stage.director);
    operated = new Operated(stage.director);
  });

  afterEach(() => operated?.stop());

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  const serverAt = (index: number) => stage.servers[index] as TestServer;
  const specOf = (index: number): ServerSpec => ({ address: serverAt(index).address });

  function configure(servers: readonly ServerSpec[]): string {
    const { directorAddress, virtualAddress } = stage.topology;
    const health = { check: 'http', via: 'both', interval: '200ms', timeout: '1s', retries: 0, rise: 1, fall: 1 };
    const services = [{ listen: `tcp ${virtualAddress}:${PORT}`, scheduler: 'rr', servers }];
    return operated.write('tunvs.json', JSON.stringify({ source: directorAddress, health, services }));
  }

  const start = (environment: Record<string, string> = {}) =>
    operated.start(['--config', configure([specOf(0), specOf(1)])], { environment });

  async function reload(servers: readonly ServerSpec[]): Promise<void> {
    configure(servers);
    const { code, stderr } = await operated.tunvs('reload');
    assert.equal(code, 0, stderr);
  }

  type States = Record<string, HealthOverview['services'][number]['servers'][number]['state']>;

  async function states(): Promise<States> {
    const servers = (await operated.health())[0]?.servers ?? [];
    return Object.fromEntries(servers.map(({ address, state }) => [address, state]));
  }

  const become = (wanted: States) =>
    eventually(
      states,
      (seen) => Object.entries(wanted).every(([address, state]) => seen[address] === state),
      `the states are ${JSON.stringify(wanted)}`,
    );

  async function answeredBy(indices: readonly number[]): Promise<void> {
    const { failures, servers } = await stage.fetchMany({ requests: 12, concurrency: 3 });
    assert.deepEqual([failures, Object.keys(servers).sort()], [[], indices.map((index) => serverAt(index).name)]);
  }

  async function serveAgain(server: TestServer): Promise<void> {
    server.web = await Agent.connect(server.host.node(program('web-server'), [server.name, `${PORT}`]));
  }

  const isUntouched = () => eventuallyHolds(async () => assert.equal(await hostState(stage.director), untouched));

  /** Checks of a server that does not answer are under way all the time. */
  async function amidChecks(environment: Record<string, string>, act: (daemon: LabProcess) => Promise<void>) {
    const { web, address } = serverAt(0);
    web.process.kill('SIGSTOP');
    try {
      const daemon = await start(environment);
      await become({ [address]: 'down', [serverAt(1).address]: 'up' });
      await act(daemon);
    } finally {
      web.process.kill('SIGCONT');
    }
  }

  it('gives the host back when it is told to end amid checks', () =>
    amidChecks({}, async (daemon) => {
      assert.deepEqual(await daemon.stop('SIGTERM'), { code: 0, signal: null });
      assert.equal(await hostState(stage.director), untouched);
    }));

  it('has the host given back when it is killed amid checks', () =>
    amidChecks({}, async (daemon) => {
      await daemon.stop('SIGKILL');
      await isUntouched();
    }));

  it('clears at its next start what it left when nobody gave the host back', async () => {
    await amidChecks({ TUNVS_GUARDIAN: 'off' }, async (daemon) => {
      await daemon.stop('SIGKILL');
      assert.notEqual(await hostState(stage.director), untouched);
    });
    const daemon = await start();
    await become({ [serverAt(0).address]: 'up', [serverAt(1).address]: 'up' });
    await answeredBy([0, 1]);
    assert.deepEqual(await daemon.stop('SIGTERM'), { code: 0, signal: null });
    assert.equal(await hostState(stage.director), untouched);
  });

  it('keeps a server down over reloads that add another, and goes by what is asked of each from then on', async () => {
    const [down, up] = [serverAt(0), serverAt(1)];
    await start();
    await down.web.process.stop();
    await become({ [down.address]: 'down', [up.address]: 'up' });
    const since = (await operated.health())[0]?.servers[0]?.since;

    await reload([specOf(0), specOf(1), specOf(2)]);
    await become({ [serverAt(2).address]: 'up' });
    await answeredBy([1, 2]);
    assert.equal((await operated.health())[0]?.servers[0]?.since, since);

    // One that is out and in again is found down anew.
    await reload([specOf(1), specOf(2)]);
    await answeredBy([1, 2]);
    await reload([specOf(0), specOf(1), specOf(2)]);
    await become({ [down.address]: 'down' });
    await answeredBy([1, 2]);

    await serveAgain(down);
    await become({ [down.address]: 'up' });
    // Another port is asked of one, where nobody listens; then nobody checks it.
    await reload([specOf(0), specOf(1), { ...specOf(2), health: { port: OTHER_PORT } }]);
    await become({ [down.address]: 'up', [up.address]: 'up', [serverAt(2).address]: 'down' });
    await answeredBy([0, 1]);
    await reload([specOf(0), specOf(1), { ...specOf(2), health: false }]);
    await become({ [serverAt(2).address]: 'unchecked' });
    await answeredBy([0, 1, 2]);
  });
});
