/** A director's host as a client of its own virtual addresses, which checks of health are. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { startCapture } from '../support/capture.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, hostState, PORT, program, TestStage } from '../support/lab.js';

const LOCAL = 'local';
const METHODS = ['ipip', 'gue', 'gre', 'dr'] as const;

const settings = [
  { topology: 'lan', egress: 'packet', rpFilter: 1 },
  { topology: 'lan', egress: 'tun', rpFilter: 1 },
  { topology: 'routed', egress: 'raw', rpFilter: 1 },
  { topology: 'routed', egress: 'tun', rpFilter: 0 },
] as const;

for (const { topology, egress, rpFilter } of settings) {
  describeLab(`own clients of a director's host, ${topology}, egress "${egress}", rp_filter ${rpFilter}`, () => {
    // Frames do not get behind a router, and no socket of the kernel sends them to another host's address.
    const methods = topology === 'lan' && egress === 'packet' ? METHODS : METHODS.slice(0, 3);
    const names = [LOCAL, ...methods.map((_, index) => `rs${index + 1}`)];
    let stage: TestStage;
    let director: DirectorAgent;
    let own: Agent;
    let untouched: string;
    let opened: string;

    before(async () => {
      const forwarding = (index: number) => methods[index] ?? 'ipip';
      stage = await TestStage.open({ topology, ipv6: true, rpFilter, realServers: methods.length, forwarding });
      own = await Agent.connect(stage.director.node(program('web-client')));
      const web = await Agent.connect(stage.director.node(program('web-server'), [LOCAL, `${PORT}`]));
      untouched = await hostState(stage.director);
      const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
      const sources = [directorAddress, directorAddress6];
      director = await DirectorAgent.open(stage.director, { source: sources, egress, device: { queues: 2 } });
      for (const [address, local, rip] of [
        [virtualAddress, directorAddress, 'address'],
        [virtualAddress6, directorAddress6, 'address6'],
      ] as const) {
        const servers = stage.servers.map((server, index) => ({
          address: server[rip],
          forwarding: methods[index] ?? 'ipip',
          ...(methods[index] === 'gue' && { tunnelPort: 6080 }),
        }));
        for (const protocol of ['tcp', 'udp'] as const)
          await addService(director, {
            ...{ protocol, address, port: PORT, scheduler: 'rr' },
            servers: [{ address: local }, ...servers],
          });
        await web.call('bindUdp', { address });
      }
      opened = await hostState(stage.director);
    });

    after(async () => {
      await stage?.close();
    });

    const fetchMany = (address: string, timeoutMs: number) =>
      own.call<{ failures: string[]; servers: Record<string, number> }>('fetchMany', {
        ...{ address, port: PORT, timeoutMs },
        ...{ requests: 2 * names.length, concurrency: names.length },
      });

    const each = (count: number) => Object.fromEntries(names.map((name) => [name, count]));

    const hold = () =>
      director.run(
        (d, addresses: string[]) => {
          (globalThis as { hold?: { release(): void } }).hold = d.holdOwnClients(addresses);
        },
        [stage.topology.virtualAddress, stage.topology.virtualAddress6],
      );
    const release = () =>
      director.run(() => {
        (globalThis as { hold?: { release(): void } }).hold?.release();
      });

    const itIfStrict = rpFilter === 1 ? it : it.skip;
    itIfStrict('loses the replies of all but the local server to strict rp_filter, over IPv4 alone', async () => {
      const { servers } = await fetchMany(stage.topology.virtualAddress, 1000);
      assert.deepEqual(Object.keys(servers), [LOCAL]);
      const { failures, servers: servers6 } = await fetchMany(stage.topology.virtualAddress6, 10_000);
      assert.deepEqual([failures, servers6], [[], each(2)]);
    });

    it('gets to every server by every method once that is held, by TCP and UDP', async () => {
      await hold();
      for (const address of [stage.topology.virtualAddress, stage.topology.virtualAddress6]) {
        const { failures, servers } = await fetchMany(address, 10_000);
        assert.deepEqual([failures, servers], [[], each(2)], address);
        const echoed = await own.call<{ failures: string[]; servers: string[] }>('udp', {
          ...{ address, port: PORT, sockets: names.length, datagrams: 2 },
        });
        assert.deepEqual([echoed.failures, echoed.servers.sort()], [[], [...names].sort()], address);
      }
    });

    it('sends packets with the highest TTL, which packets of others do not have', async () => {
      const capture = await startCapture(stage.director, 'tunvs0');
      for (const address of [stage.topology.virtualAddress, stage.topology.virtualAddress6]) {
        await fetchMany(address, 10_000);
        await stage.fetchMany({ address, requests: 4, concurrency: 2 });
      }
      const { clientAddress, clientAddress6 } = stage.topology;
      const isOfClient = (source: string) => [clientAddress, clientAddress6].includes(source);
      const vips = [stage.topology.virtualAddress, stage.topology.virtualAddress6];
      const seen = (await capture.stop()).filter(({ destination }) => vips.includes(destination));
      assert.deepEqual(new Set(seen.filter(({ source }) => isOfClient(source)).map(({ ttl }) => ttl)), new Set([62]));
      const ofOwn = seen.filter(({ source, direction }) => !isOfClient(source) && direction === 'out');
      assert.deepEqual(new Set(ofOwn.map(({ ttl }) => ttl)), new Set([255]));
    });

    it('is what it was when that is no longer held, and when the director closes', async () => {
      await release();
      assert.equal(await hostState(stage.director), opened);
      await hold();
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    });
  });
}
