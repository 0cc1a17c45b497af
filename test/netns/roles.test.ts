/** A standby on a LAN: its host is as without it, its checks go on, and the LAN follows when it becomes active. */
import { strict as assert } from 'node:assert';
import { Announcements } from '../support/announcements.js';
import { eventually, eventuallyHolds } from '../support/eventually.js';
import { describeLab, hostState, PORT, TestStage, UPLINK } from '../support/lab.js';
import { Operated } from '../support/operated.js';

/** Nobody's: a neighbour that was there before. */
const OTHER_STATION = '02:00:00:00:00:99';
const AT_ONCE = 5;

describeLab('a standby', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let before_: string;

  before(async () => {
    stage = await TestStage.open({ topology: 'lan', realServers: 2, ipv6: true, rpFilter: 2 });
    operated = new Operated(stage.director);
    before_ = await hostState(stage.director);
    const { directorAddress, directorAddress6, virtualAddress6 } = stage.topology;
    const health = { check: 'tcp', interval: '300ms', timeout: '250ms', retries: 0, rise: 1 };
    const service = (address: string, servers: string[]) => ({
      listen: `tcp ${address.includes(':') ? `[${address}]` : address}:${PORT}`,
      ...{ scheduler: 'rr', health, servers: servers.map((each) => ({ address: each })) },
    });
    const services = [
      service(
        stage.virtualAddress,
        stage.servers.map(({ address }) => address),
      ),
      service(
        virtualAddress6,
        stage.servers.map(({ address6 }) => address6),
      ),
    ];
    const text = JSON.stringify({ source: [directorAddress, directorAddress6], services });
    await operated.start(['--config', operated.write('tunvs.json', text), '--role', 'standby']);
  });

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  const role = async (...words: string[]) => {
    const { code, stdout, stderr } = await operated.tunvs('role', ...words);
    assert.deepEqual([code, stderr], [0, '']);
    return stdout.trim();
  };

  async function routes(...table: string[]): Promise<string> {
    const { stdout } = await stage.director.exec([
      ...['sh', '-c', `ip route show proto 84 ${table.join(' ')}; ip -6 route show proto 84 ${table.join(' ')}`],
    ]);
    return stdout;
  }

  const proxies = async () =>
    (await stage.director.exec(['sh', '-c', 'ip neigh show proxy; ip -6 neigh show proxy'])).stdout;

  const tables = async () => (await operated.curl(['http://tunvs/v1/counters'])).stdout;

  async function untilChecked(): Promise<void> {
    await eventually(
      () => operated.health(),
      (services) =>
        services.length === 2 && services.every(({ servers }) => servers.every(({ state }) => state === 'up')),
      'servers that are up',
    );
  }

  it('checks its servers by the virtual address, which its host has no route for', async () => {
    await untilChecked();
    assert.equal(await role(), 'standby');
    assert.equal(await routes(), '');
    assert.equal(await proxies(), '');
    assert.match(await routes('table', '8499'), new RegExp(`^${stage.virtualAddress} dev tunvs0 .*hoplimit 255`, 'm'));
    const { stdout } = await operated.tunvs('status');
    assert.match(stdout, /^tunvs \S+ {2}tunvs {2}standby/);
    assert.match(stdout, /^held {5}this host has no route of 2 addresses/m);
    const route = await stage.director.exec(['ip', 'route', 'get', stage.virtualAddress]);
    assert.match(route.stdout, new RegExp(`dev ${UPLINK} `), "the host's own clients reach the address where it is");
  });

  it('answers for its addresses at once when it becomes active, and tells the LAN', async () => {
    const { virtualAddress, virtualAddress6 } = stage.topology;
    const { router } = stage.topology;
    router.ip([
      `neigh replace ${virtualAddress} lladdr ${OTHER_STATION} nud stale dev lan`,
      `neigh replace ${virtualAddress6} lladdr ${OTHER_STATION} nud stale dev lan`,
    ]);
    const announcements = await Announcements.hear(router, 'lan');
    assert.equal(await role('active'), 'active');
    const { stdout: link } = await stage.director.exec(['ip', '-o', 'link', 'show', 'dev', UPLINK]);
    const [, station = 'none'] = /link\/ether (\S+)/.exec(link) ?? [];
    await eventuallyHolds(async () => {
      for (const address of [virtualAddress, virtualAddress6]) {
        const { stdout } = await router.exec(['ip', 'neigh', 'show', address]);
        assert.match(stdout, new RegExp(`lladdr ${station} `));
      }
    });
    for (const address of [virtualAddress, virtualAddress6]) {
      const { failures } = await stage.fetchMany({ address, requests: 10, concurrency: 2 });
      assert.deepEqual(failures, [], address);
    }
    for (const address of [virtualAddress, virtualAddress6])
      await eventuallyHolds(async () => {
        const heard = announcements.of(address);
        assert.ok(heard.length >= AT_ONCE && heard.every((each) => each === station), heard.join());
      });
    await untilChecked();
    assert.equal(await routes('table', '8499').catch(() => ''), '');
  });

  it('gives its host back when it is a standby again, and keeps its connections', async () => {
    const before = JSON.parse((await tables()).split('\n')[0] as string) as { table: { ipv4: number } };
    assert.ok(before.table.ipv4 >= 10);
    assert.equal(await role('standby'), 'standby');
    assert.equal(await routes(), '');
    assert.equal(await proxies(), '');
    const after = JSON.parse((await tables()).split('\n')[0] as string) as { table: { ipv4: number } };
    assert.ok(after.table.ipv4 >= before.table.ipv4 - 1, `${before.table.ipv4} then ${after.table.ipv4}`);
    await untilChecked();
    assert.equal(await role('active'), 'active');
    const { failures } = await stage.fetchMany({ requests: 10, concurrency: 2 });
    assert.deepEqual(failures, []);
    assert.equal(await role('standby'), 'standby');
  });

  it('puts nothing back that a standby has not, whoever changes the host', async () => {
    stage.director.ip([`route add ${stage.virtualAddress} dev ${UPLINK} metric 5`]);
    await operated.curl(['http://tunvs/v1/role']);
    stage.director.ip([`route del ${stage.virtualAddress} dev ${UPLINK} metric 5`]);
    assert.equal(await routes(), '');
  });

  it('leaves the host as it was', async () => {
    await operated.stop();
    assert.equal(await hostState(stage.director), before_);
  });
});
