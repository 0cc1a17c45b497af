/** Pinned flows of the director's own host, by plain sockets, with every egress. */
import { strict as assert } from 'node:assert';
import type { Socket } from 'node:net';
import { Agent } from '../../lib/lab/agent.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, program, TestStage } from '../support/lab.js';

interface CheckRequest {
  source: string;
  sourcePort: number;
  address: string;
  port: number;
  /** RIP */
  server: string;
}

interface CheckResult {
  /** Which server has answered, or the code of the socket's error. */
  outcome: string;
  packets: number;
  icmp?: { type: number; code: number; from: string; isOfTunnel: boolean };
}

/** Asks a server for its name as a client of the VIP, over a pinned flow. */
function check(director: DirectorAgent, request: CheckRequest): Promise<CheckResult> {
  return director.run(async (d, { source, sourcePort, address, port, server }: CheckRequest) => {
    const { connect } = process.getBuiltinModule('node:net');
    const service = d.virtualServices.find((each) => each.address === address);
    const pinned = service?.realServers.find((each) => each.address === server);
    if (!pinned) throw new Error(`no server ${server}`);
    const flow = { sourceAddress: source, sourcePort, virtualAddress: address, virtualPort: port };
    const pin = d.pin({ protocol: 'tcp', ...flow }, pinned, { ttlMs: 20_000 });
    const outcome = await new Promise<string>((resolve) => {
      let text = '';
      const socket: Socket = connect({ host: address, port, localAddress: source, localPort: sourcePort });
      socket.setTimeout(3000, () => {
        resolve('timeout');
        socket.resetAndDestroy();
      });
      socket.on('connect', () => socket.write(`GET / HTTP/1.1\r\nHost: ${address}\r\n\r\n`));
      socket.on('data', (bytes) => {
        text += bytes;
        const found = /\brs\d\b/.exec(text);
        if (!found) return;
        resolve(found[0]);
        socket.resetAndDestroy();
      });
      socket.on('error', (error) => resolve((error as NodeJS.ErrnoException).code ?? error.message));
    });
    const { packets, icmp } = pin.report();
    pin.release();
    return { outcome, packets, ...(icmp && { icmp }) };
  }, request);
}

for (const egress of ['tun', 'raw', 'packet'] as const) {
  describeLab(`checks by pinned flows, with egress "${egress}"`, () => {
    let stage: TestStage;
    let director: DirectorAgent;
    let lastPort = 20_000;

    const checkServer = (index: number) =>
      check(director, {
        source: stage.topology.directorAddress,
        sourcePort: ++lastPort,
        ...{ address: stage.virtualAddress, port: PORT },
        server: stage.servers[index]?.address ?? '',
      });

    before(async () => {
      stage = await TestStage.open();
      director = await DirectorAgent.open(stage.director, {
        source: stage.topology.directorAddress,
        egress,
        device: { name: 'tunvs0', queues: 2 },
      });
      const servers = stage.servers.map(({ address }) => ({ address }));
      await addService(director, { address: stage.virtualAddress, port: PORT, scheduler: 'rr', servers });
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    it('reach the server that they are pinned to', async () => {
      for (const index of [0, 1, 2, 1]) {
        const { outcome, packets } = await checkServer(index);
        assert.equal(outcome, `rs${index + 1}`);
        assert.ok(packets >= 3, `${packets} packets`);
      }
    });

    it('reach a server that is down, and one of weight 0', async () => {
      await director.run((d) => {
        const [first, second] = d.virtualServices[0]?.realServers ?? [];
        if (first) first.isUp = false;
        if (second) second.weight = 0;
      });
      for (const index of [0, 1, 2]) assert.equal((await checkServer(index)).outcome, `rs${index + 1}`);
    });

    it('are in no statistic, and open no connection', async () => {
      const { totals, counters, table } = await director.run((d) => d.stats());
      assert.deepEqual([Number(totals.inPackets), Number(totals.connections), table.ipv4], [0, 0, 0]);
      assert.equal(Number(counters.forwarded), 0);
      assert.ok(Number(counters.pinned) > 0);
      assert.equal(Number(counters.dropNotScheduled), 0); // the resets went by the pins, although those were released
    });

    it('are told when a router cannot reach the server, and so is the socket', async () => {
      const { router, realServers } = stage.topology;
      router.ip([`route replace unreachable ${realServers[2]?.address}/32`]);
      const { outcome, icmp } = await checkServer(2);
      assert.equal(outcome, 'EHOSTUNREACH');
      assert.deepEqual(icmp, { type: 3, code: 1, from: '10.2.0.1', isOfTunnel: true });
    });

    it('are refused by a server without the service', async () => {
      await stage.servers[1]?.web.process.stop();
      assert.equal((await checkServer(1)).outcome, 'ECONNREFUSED');
    });

    it('are told by a server that takes no tunnel packets', async () => {
      await stage.servers[0]?.command.stop();
      const { outcome, icmp } = await checkServer(0);
      assert.equal(outcome, 'ENOPROTOOPT');
      assert.deepEqual(icmp, { type: 3, code: 2, from: stage.servers[0]?.address, isOfTunnel: true });
    });
  });
}

const FORWARDING = ['ipip', 'gue', 'gre', 'dr'] as const;
const GUE_PORT = 6080;

describeLab('checks by pinned flows, by every forwarding method', () => {
  let stage: TestStage;
  let director: DirectorAgent;
  let lastPort = 21_000;

  before(async () => {
    stage = await TestStage.open({
      topology: 'lan',
      ipv6: true,
      realServers: FORWARDING.length,
      forwarding: (index) => FORWARDING[index] ?? 'ipip',
    });
    await Agent.connect(stage.director.node(program('web-server'), ['rs9', `${PORT}`]));
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    director = await DirectorAgent.open(stage.director, {
      source: [directorAddress, directorAddress6],
      egress: 'packet',
      device: { queues: 2 },
    });
    for (const [address, of] of [
      [virtualAddress, 'address'],
      [virtualAddress6, 'address6'],
    ] as const) {
      const servers = stage.servers.map((server, index) => {
        const forwarding = FORWARDING[index] ?? 'ipip';
        return { address: server[of], forwarding, ...(forwarding === 'gue' && { tunnelPort: GUE_PORT }), weight: 0 };
      });
      const own = { address: of === 'address' ? directorAddress : directorAddress6, weight: 0 };
      await addService(director, { address, port: PORT, scheduler: 'rr', servers: [...servers, own] });
    }
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  for (const family of [4, 6] as const) {
    for (const [index, method] of [...FORWARDING, 'local'].entries()) {
      it(`reach a server by ${method}, over IPv${family}`, async () => {
        const { topology, servers } = stage;
        const [source, address] =
          family === 4
            ? [topology.directorAddress, topology.virtualAddress]
            : [topology.directorAddress6, topology.virtualAddress6];
        const server = servers[index]?.[family === 4 ? 'address' : 'address6'] ?? source;
        const request = { source, sourcePort: ++lastPort, address, port: PORT, server };
        const { outcome, packets } = await check(director, request);
        assert.equal(outcome, method === 'local' ? 'rs9' : `rs${index + 1}`);
        assert.ok(packets >= 3, `${packets} packets`);
      });
    }
  }
});
