/** Checks of NAT servers take the way of clients: they find a server whose replies do not come back to the director. */
import { strict as assert } from 'node:assert';
import type { Finding } from '../../lib/health/checks/check.js';
import { Agent } from '../../lib/lab/agent.js';
import { startCapture } from '../support/capture.js';
import { eventuallyHolds } from '../support/eventually.js';
import { describeLab, PORT, UPLINK } from '../support/lab.js';
import { isNatSource, NatStage, SERVER_PORT } from '../support/nat-stage.js';

const METHODS = ['nat', 'snat'] as const;
/** A service whose servers do not listen on this port of theirs. */
const CLOSED_PORT = 8081;
const TIMEOUT_MS = 1000;

describeLab('checks of NAT servers', () => {
  let stage: NatStage;
  let agent: Agent;

  before(async () => {
    // Its servers have no default route, so those of `nat` get one to the director.
    stage = await NatStage.open({ method: 'snat' });
    toDirector('replace');
    agent = await Agent.connect(stage.director.node(new URL('../support/programs/health-agent.js', import.meta.url)));
    await agent.call('open', { ...stage.addresses, egress: 'packet' });
    for (const family of [4, 6] as const)
      for (const [index, forwarding] of METHODS.entries())
        for (const [port, serverPort] of [
          [PORT, SERVER_PORT],
          [PORT + 1, CLOSED_PORT],
        ] as const) {
          const servers = stage.natServers(family, serverPort).map((server) => ({ ...server, forwarding }));
          const key = { address: stage.virtual(family), port: port + 10 * index };
          for (const protocol of ['tcp', 'udp']) await run(addService, { key: { protocol, ...key }, servers });
        }
  });

  after(async () => {
    await stage?.close();
  });

  // biome-ignore lint/suspicious/noExplicitAny: the parameters have the types of the other process
  const run = <Result>(body: (director: any, argument: any) => Result, argument: unknown = null) =>
    agent.call<Result>('run', { source: body.toString(), argument });

  // biome-ignore lint/suspicious/noExplicitAny: as above
  const addService = (d: any, { key, servers }: any) => {
    const added = d.addVirtualService({ ...key, scheduler: 'rr' });
    for (const server of servers) added.addRealServer(server);
  };

  /** Routes the servers' packets to clients through the director, or not at all. */
  function toDirector(verb: 'replace' | 'delete'): void {
    for (const [index, { host }] of stage.servers.entries()) {
      const isBehindRouter = index === stage.servers.length - 1;
      const [gateway, gateway6] = isBehindRouter ? ['10.5.0.1', '2001:db8:5::1'] : ['10.4.0.1', '2001:db8:4::1'];
      host.ip([`route ${verb} default via ${gateway}`, `route ${verb} ::/0 via ${gateway6}`]);
    }
  }

  interface Asked {
    method: (typeof METHODS)[number];
    family?: 4 | 6;
    index?: number;
    isClosed?: boolean;
    kind?: string;
    via?: 'vip' | 'both';
  }

  function check({ method, family = 4, index = 0, isClosed = false, kind = 'tcp', via = 'vip' }: Asked) {
    const server = stage.servers[index];
    assert.ok(server);
    return agent.call<Finding>('check', {
      server: family === 4 ? server.address : server.address6,
      protocol: kind === 'udp-echo' ? 'udp' : 'tcp',
      virtualAddress: stage.virtual(family),
      virtualPort: PORT + (isClosed ? 1 : 0) + 10 * METHODS.indexOf(method),
      ...{ kind, via, timeoutMs: TIMEOUT_MS },
    });
  }

  const connected = { passed: true, message: 'connected' };

  for (const method of METHODS)
    for (const family of [4, 6] as const) {
      it(`pass by ${method} over IPv${family}, on-link and behind a router, by TCP, HTTP and UDP`, async () => {
        for (const [index, { name }] of stage.servers.entries()) {
          assert.deepEqual(await check({ method, family, index }), connected, name);
          assert.equal((await check({ method, family, index, kind: 'http' })).passed, true, name);
          const echoed = await check({ method, family, index, kind: 'udp-echo' });
          assert.deepEqual(echoed, { passed: true, message: `${name} hello` });
        }
      });

      it(`fail by ${method} over IPv${family} when nobody listens on the server's port, and say so`, async () => {
        const finding = await check({ method, family, isClosed: true });
        assert.equal(finding.reason, 'refused');
        assert.match(finding.mend ?? '', /^Let the program listen on \S*:8081, and the firewall/);
      });
    }

  it('come to a server from the virtual address by nat, and from a source of full NAT by snat', async () => {
    const [server] = stage.servers;
    assert.ok(server);
    for (const method of METHODS) {
      const capture = await startCapture(server.host, UPLINK);
      await check({ method });
      const flows = (await capture.stop()).filter(({ direction, protocol }) => direction === 'in' && protocol === 6);
      assert.ok(flows.length > 0);
      for (const { source } of flows)
        assert.ok(method === 'nat' ? source === stage.virtualAddress : isNatSource(source), source);
    }
  });

  it('find by nat alone that the default route of a server does not lead to the director', async () => {
    toDirector('delete');
    try {
      for (const family of [4, 6] as const) {
        for (const index of stage.servers.keys())
          assert.deepEqual(await check({ method: 'snat', family, index }), connected);
        const finding = await check({ method: 'nat', family, via: 'both' });
        assert.equal(finding.reason, 'timeout');
        assert.match(finding.message, /^silence on .* sent by nat\), while .* answers/);
        assert.match(finding.mend ?? '', /default route, .* lead to this director/);
      }
    } finally {
      toDirector('replace');
    }
    for (const family of [4, 6] as const)
      await eventuallyHolds(async () => assert.deepEqual(await check({ method: 'nat', family }), connected));
  });
});
