/** A monitor beside an open director: servers that stop and start again are found by the pinned way. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab, PORT, program, startRealServerCommand, TestStage, type TestServer } from '../support/lab.js';

interface News {
  address: string;
  isUp: boolean;
  reason?: string;
  message: string;
}

describeLab('a monitor of real servers', () => {
  let stage: TestStage;
  let agent: Agent;

  before(async () => {
    stage = await TestStage.open({ realServers: 3 });
    agent = await Agent.connect(stage.director.node(new URL('../support/programs/monitor-agent.js', import.meta.url)));
    const { directorAddress, virtualAddress } = stage.topology;
    await agent.call('open', { source: [directorAddress] });
    await agent.call('watch', {
      ...{ virtualAddress, port: PORT, servers: stage.servers.map(({ address }) => address) },
      timing: { intervalMs: 200, timeoutMs: 500, retries: 1, retryDelayMs: 100, rise: 2, via: 'both' },
    });
  });

  after(async () => {
    await agent?.call('close');
    await stage?.close();
  });

  /** Waits for as many pieces of news. */
  async function heard(count: number): Promise<News[]> {
    const all: News[] = [];
    const listen = async () => {
      all.push(...(await agent.call<News[]>('news')));
      return all;
    };
    return eventually(listen, (seen) => seen.length >= count, 'news');
  }

  it('finds each of them up at first', async () => {
    const news = await heard(3);
    assert.deepEqual(
      news.map(({ isUp }) => isUp),
      [true, true, true],
    );
  });

  it('finds one whose program stops, says why, and finds it again', async () => {
    const server = stage.servers[0] as TestServer;
    await server.web.process.stop();
    const [down] = await heard(1);
    assert.deepEqual(
      { address: down?.address, isUp: down?.isUp, reason: down?.reason },
      {
        ...{ address: server.address, isUp: false, reason: 'refused' },
      },
    );
    server.web = await Agent.connect(server.host.node(program('web-server'), [server.name, `${PORT}`]));
    const [up] = await heard(1);
    assert.deepEqual([up?.address, up?.isUp], [server.address, true]);
  });

  it('finds one without a tunnel device, and tells it from one that is down', async () => {
    const server = stage.servers[1] as TestServer;
    const { directorAddress: director } = stage.topology;
    await server.command.stop();
    const [down] = await heard(1);
    assert.deepEqual([down?.address, down?.isUp], [server.address, false]);
    assert.match(`${down?.reason} ${down?.message}`, /unreachable .*protocol unreachable|not decapsulating/);
    server.command = await startRealServerCommand(server.host, { virtualAddress: stage.virtualAddress, director });
    const [up] = await heard(1);
    assert.deepEqual([up?.address, up?.isUp], [server.address, true]);
  });
});
