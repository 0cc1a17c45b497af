/** NAT servers that are drained, deleted and added again, and directors that end or share a server. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab, hostState, type LabProcess, PORT } from '../support/lab.js';
import { NatStage, SERVER_PORT } from '../support/nat-stage.js';
import { listen, startTicker } from '../support/ticker.js';

const TICKER_PORT = 8081;
const SERVICE_PORT = 81;

describeLab('servers of a NAT director', () => {
  let stage: NatStage;
  let director: DirectorAgent;
  const listening: LabProcess[] = [];
  let shownBefore: number;

  before(async () => {
    stage = await NatStage.open();
    for (const { host } of stage.servers) await startTicker(host, TICKER_PORT);
  });

  beforeEach(async () => {
    director = await DirectorAgent.open(stage.director, { source: stage.source });
    await stage.addServices(director);
    shownBefore = (await stage.secrets.counts()).shown;
  });

  afterEach(async () => {
    const { all, shown } = await stage.secrets.counts();
    assert.ok(all > 50, `${all}`);
    assert.equal(shown, shownBefore, 'the client sees an address of the inner networks');
    for (const child of listening.splice(0)) await child.stop('SIGKILL');
    await director?.close();
    assert.doesNotMatch(await hostState(stage.director), /proto 84/);
  });

  after(async () => {
    await stage?.close();
  });

  it('serve on when their director was killed and begins again', async () => {
    const setUp = await hostState(stage.director);
    await director.kill();
    director = await DirectorAgent.open(stage.director, { source: stage.source });
    await stage.addServices(director);
    const withoutIndex = (state: string) => state.replaceAll(/^\d+$/gm, '').replaceAll(/^\d+: tunvs0/gm, 'tunvs0');
    await eventually(
      async () => withoutIndex(await hostState(stage.director)),
      (state) => state === withoutIndex(setUp),
      'the host is as before',
    );
    for (const family of [4, 6] as const) {
      const result = await stage.fetchMany({ address: stage.virtual(family), requests: 30, concurrency: 10 });
      assert.deepEqual([result.failures, result.servers], [[], { rs1: 10, rs2: 10, rs3: 10 }]);
    }
  });

  it('may be those of two directors of one host, and of one when the other ends', async () => {
    const second = ['10.9.9.10', '2001:db8:9::10'];
    stage.topology.router.ip(second.map((address, index) => `route replace ${address} via ${stage.source[index]}`));
    // Both see what a server sends from a port that both have, one after the other: the first has to pass it on.
    await director.close();
    director = await DirectorAgent.open(stage.director, { source: stage.source, unmatchedReplies: 'pass' });
    await stage.addServices(director);
    const other = await DirectorAgent.open(stage.director, { source: stage.source, device: { name: 'tunvs1' } });
    const askAll = async (addresses: readonly string[]) => {
      for (const address of addresses) {
        const many = await stage.fetchMany({ address, requests: 60, concurrency: 20 });
        assert.deepEqual([many.failures, many.servers], [[], { rs1: 20, rs2: 20, rs3: 20 }], address);
        const large = await stage.fetch({ address, downloadBytes: 2_000_000 });
        assert.equal(large.intact, true);
        const echoed = await stage.udp({ address, sockets: 6, datagrams: 5 });
        assert.deepEqual([echoed.failures, new Set(echoed.servers).size], [[], 3], address);
      }
    };
    try {
      for (const [index, address] of second.entries()) {
        const servers = stage.natServers(index === 0 ? 4 : 6, SERVER_PORT);
        for (const protocol of ['tcp', 'udp'] as const)
          await addService(other, { protocol, address, port: PORT, scheduler: 'rr', servers });
      }
      // The one that comes second names the first, which has to let packets pass, and says so for as long as it is there.
      const [warning] = await other.run((d) => d.warnings.filter((each) => each.includes('replies of NAT servers')));
      const { name } = await director.run((d) => ({ name: d.device?.name }));
      assert.match(
        warning ?? '',
        new RegExp(`the director of ${name} as well .*open that director with unmatchedRepl`),
      );
      assert.deepEqual(await director.run((d) => d.warnings.filter((each) => each.includes('replies of NAT'))), []);
      await askAll([stage.virtual(4), ...second, stage.virtual(6)]);
      await director.close();
      assert.deepEqual(await other.run((d) => d.warnings.filter((each) => each.includes('replies of NAT'))), []);
      await askAll(second);
    } finally {
      await other.close();
    }
    director = await DirectorAgent.open(stage.director, { source: stage.source });
  });

  interface Ticking {
    key: object;
    server: object;
    ticks: () => Promise<number>;
  }

  /** Makes a service of one server that talks all the time, and listens to it. */
  async function tickingService(family: 4 | 6): Promise<Ticking> {
    const key = { protocol: 'tcp', address: stage.virtual(family), port: SERVICE_PORT } as const;
    for (const each of [4, 6] as const) {
      const servers = stage.natServers(each, TICKER_PORT).slice(0, 1);
      await addService(director, { ...key, address: stage.virtual(each), scheduler: 'rr', servers });
    }
    // While no director knew the server, the host forwarded what it still had to say to clients of the last test.
    shownBefore = (await stage.secrets.counts()).shown;
    const server = stage.natServers(family, TICKER_PORT)[0] ?? {};
    const child = await listen(stage.client, key.address, SERVICE_PORT);
    listening.push(child);
    return { key, server, ticks: async () => child.lines.length };
  }

  const tell = (verb: 'drain' | 'delete', { key, server }: Ticking) =>
    director.run(
      (d, asked) =>
        void d
          .virtualService(asked.key as never)
          ?.realServer(asked.server as never)
          ?.[asked.verb](),
      { key, server, verb },
    );

  const counter = (name: string) =>
    director.run((d, asked) => Number((d.stats().counters as Record<string, bigint>)[asked]), name);

  const moreThan = (ticks: () => Promise<number>, count: number, what: string) =>
    eventually(ticks, (now) => now > count, what);

  for (const family of [4, 6] as const) {
    it(`when drained they keep their connections over IPv${family}, and get no new ones`, async () => {
      const ticking = await tickingService(family);
      const { ticks } = ticking;
      await tell('drain', ticking);
      await moreThan(ticks, (await ticks()) + 50, 'the connection goes on');
      await assert.rejects(listen(stage.client, stage.virtual(family), SERVICE_PORT));
    });

    it(`when deleted, what they still send over IPv${family} shows the virtual address; added again, all goes on`, async () => {
      const ticking = await tickingService(family);
      const { ticks, key, server } = ticking;
      await tell('delete', ticking);
      await moreThan(ticks, (await ticks()) + 1, 'what was sent without an acknowledgement has come');
      const returned = () => counter('returned');
      await moreThan(returned, (await returned()) + 1, 'repetitions come back to the client');
      const before = await ticks();
      await director.run((d, { key, server }) => void d.virtualService(key as never)?.addRealServer(server as never), {
        key,
        server,
      });
      await moreThan(ticks, before + 50, 'the connection goes on');
    });

    it(`when deleted with expire_nodest_conn, what they still send over IPv${family} is dropped`, async () => {
      await director.run((d) => d.setSysctl('expire_nodest_conn', 1));
      await tell('delete', await tickingService(family));
      await moreThan(() => counter('dropUnmatchedReply'), 3, 'they are dropped');
    });
  }
});
