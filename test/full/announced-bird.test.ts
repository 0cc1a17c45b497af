/** BIRD announces what directors have routes for, with the files of examples/bird: a router spreads flows over both. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { eventually } from '../support/eventually.js';
import { hasProgram } from '../support/has-program.js';
import { describeLab, type LabProcess, PORT, TestStage, UPLINK } from '../support/lab.js';
import { Operated } from '../support/operated.js';
import { SteadyClient } from '../support/steady.js';

const EXAMPLES = new URL('../../../examples/bird/', import.meta.url);
const ADDRESSES = ['10.2.0.2', '10.4.0.2'] as const;
const GATEWAYS = ['10.2.0.1', '10.4.0.1'] as const;
const CONNECTIONS = 40;

interface Node {
  readonly host: LabHost;
  readonly address: string;
  readonly operated: Operated;
  director: LabProcess;
}

describeLab('two directors, a router with ECMP, and BIRD', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let nodes: [Node, Node];
  let steady: SteadyClient;

  before(async function () {
    if (!hasProgram('bird')) this.skip();
    stage = await TestStage.open({ realServers: 3, directors: ADDRESSES });
    const { lab, router, director } = stage.topology;
    router.ip([`route del ${stage.virtualAddress}`]);
    // Otherwise all packets between two addresses go one way.
    await router.setSysctls({ 'net/ipv4/fib_multipath_hash_policy': '1' });
    const second = await lab.addHost('second');
    lab.connect(second, UPLINK, router, 'second');
    router.ip([`address add ${GATEWAYS[1]}/24 dev second`]);
    second.ip([`address add ${ADDRESSES[1]}/24 dev ${UPLINK}`, `route add default via ${GATEWAYS[1]}`]);
    const [first, other] = [director, second].map((host, at) => ({
      ...{ host, address: ADDRESSES[at] as string, operated: new Operated(host) },
      director: undefined as unknown as LabProcess,
    })) as [Node, Node];
    nodes = [first, other];
    for (const node of nodes) await start(node);
    bird(router, first.operated, 'router.conf', (text) => text);
    for (const [at, node] of nodes.entries())
      bird(node.host, node.operated, 'director.conf', (text) =>
        text.replaceAll('10.2.0.2', node.address).replaceAll('10.2.0.1', GATEWAYS[at] as string),
      );
    await untilWays(2);
    const request = { address: stage.virtualAddress, port: PORT, connections: CONNECTIONS, intervalMs: 50 };
    steady = await SteadyClient.open(stage.client, request);
  });

  after(async () => {
    for (const { operated } of nodes ?? []) await operated[Symbol.asyncDispose]();
    await stage?.close();
  });

  async function start(node: Node): Promise<void> {
    const service = {
      listen: `tcp ${stage.virtualAddress}:${PORT}`,
      ...{ scheduler: 'maglev', midStream: 'hash', announce: 'when-up' },
      health: { check: 'tcp', interval: '300ms', timeout: '250ms', retries: 0, rise: 1, onDown: 'keep' },
      servers: stage.servers.map(({ address }) => ({ address })),
    };
    const file = node.operated.write('tunvs.json', JSON.stringify({ source: node.address, services: [service] }));
    node.director = await node.operated.start(['--config', file]);
  }

  function bird(host: LabHost, { write, path }: Operated, name: string, edit: (text: string) => string): void {
    const file = `${host.name}.conf`;
    const written = write.call(nodes[0].operated, file, edit(readFileSync(new URL(name, EXAMPLES), 'utf8')));
    const place = (what: string) => path.call(nodes[0].operated, `${host.name}.${what}`);
    host.spawn(['bird', '-f', '-c', written, '-s', place('ctl'), '-P', place('pid')]);
  }

  /** The gateways by which the router sends to the virtual address. */
  async function ways(): Promise<string[]> {
    const { stdout } = await stage.topology.router.exec(['ip', 'route', 'show', stage.virtualAddress]);
    return [...stdout.matchAll(/ via (\S+)/g)].map(([, gateway]) => gateway as string).sort();
  }

  const untilWays = (count: number) => eventually(ways, (found) => found.length === count, `${count} ways`);

  /** Connections that were there go on, each with its own real server: another one would reset it. */
  async function assertServed(): Promise<void> {
    const { failures } = await steady.answered(1);
    assert.deepEqual(failures, []);
    const fresh = await stage.fetchMany({ requests: 20, concurrency: 5 });
    assert.deepEqual(fresh.failures, []);
  }

  /** The router has moved flows from one director to the other, which had never heard of them. */
  const connectionsOf = async ({ operated }: Node) => {
    const { stdout } = await operated.curl(['http://tunvs/v1/counters']);
    return (JSON.parse(stdout.split('\n')[0] as string) as { table: { ipv4: number } }).table.ipv4;
  };

  it('spreads connections over both', async () => {
    await assertServed();
    for (const node of nodes) assert.ok((await connectionsOf(node)) > 3, `${node.address} has connections`);
  });

  it('withdraws an address while its service lacks its quorum, and announces it again', async () => {
    const [first] = nodes;
    const before = await connectionsOf(nodes[1]);
    // The checks of this director alone get no answer; what real servers send to clients goes its way.
    for (const { host } of stage.servers) host.ip([`route add blackhole ${first.address}/32`]);
    assert.deepEqual(await untilWays(1), [ADDRESSES[1]]);
    await assertServed();
    assert.ok((await connectionsOf(nodes[1])) > before, 'flows have moved');
    for (const { host } of stage.servers) host.ip([`route del blackhole ${first.address}/32`]);
    await untilWays(2);
    await assertServed();
  });

  it('withdraws the addresses of a standby', async () => {
    const [, second] = nodes;
    await second.operated.tunvs('role', 'standby');
    assert.deepEqual(await untilWays(1), [ADDRESSES[0]]);
    await assertServed();
    await second.operated.tunvs('role', 'active');
    await untilWays(2);
  });

  it('withdraws those of a director that was killed, and announces them when it is back', async () => {
    const [first] = nodes;
    await first.director.stop('SIGKILL');
    assert.deepEqual(await untilWays(1), [ADDRESSES[1]]);
    await assertServed();
    await start(first);
    await untilWays(2);
    await assertServed();
  });

  it('finds by BFD that the host of a director is gone', async () => {
    const [, second] = nodes;
    // The cable is fine, but nothing comes through.
    second.host.ip([
      `link set dev ${UPLINK} arp off`,
      `neigh replace ${GATEWAYS[1]} lladdr 02:00:00:00:00:01 dev ${UPLINK}`,
    ]);
    assert.deepEqual(await untilWays(1), [ADDRESSES[0]]);
    await assertServed();
  });

  it('sent no connection to another real server by any of it', async () => {
    assert.deepEqual((await steady.stop()).failures, []);
  });
});
