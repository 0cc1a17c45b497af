/** Checks by the pinned way of every kind of service: by mark, of many addresses and ports, of both families in one. */
import { strict as assert } from 'node:assert';
import type { Finding } from '../../lib/health/checks/check.js';
import { Agent } from '../../lib/lab/agent.js';
import { describeLab, PORT, program, TestStage } from '../support/lab.js';

const LOCAL = 'local';
const MARKED = '10.9.8.7';
const RANGE = '10.9.8.16/28';
const IN_RANGE = '10.9.8.20';

describeLab('checks by the pinned way of every kind of service', () => {
  let stage: TestStage;
  let agent: Agent;
  let servers: { name: string; address: string; address6: string; forwarding: string }[];

  before(async () => {
    const methods = ['ipip', 'dr', 'gre'];
    stage = await TestStage.open({
      ...{ topology: 'lan', ipv6: true, rpFilter: 1, realServers: methods.length },
      moreVirtualAddresses: [MARKED, IN_RANGE],
      forwarding: (index) => methods[index] ?? 'ipip',
    });
    const { director, topology } = stage;
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = topology;
    servers = stage.servers.map(({ name, address, address6 }, index) => ({
      ...{ name, address, address6 },
      forwarding: methods[index] ?? 'ipip',
    }));
    servers.push({ name: LOCAL, address: directorAddress, address6: directorAddress6, forwarding: 'local' });
    const web = await Agent.connect(director.node(program('web-server'), [LOCAL, `${PORT}`]));
    agent = await Agent.connect(director.node(new URL('../support/programs/health-agent.js', import.meta.url)));
    await agent.call('open', { source: [directorAddress, directorAddress6], egress: 'packet' });
    await run(
      (d, { services, pool, mark }) => {
        d.setMarks([mark]);
        for (const service of services) {
          const added = d.addVirtualService({ ...service, scheduler: 'rr' });
          for (const { address, address6, forwarding } of pool) {
            const is6 = String(service.address).includes(':');
            // A local node is in one family, and a tunnel may change it.
            const rip = forwarding === 'gre' ? (is6 ? address : address6) : is6 ? address6 : address;
            added.addRealServer({ address: rip, ...(forwarding !== 'local' && { forwarding }) });
          }
        }
      },
      {
        pool: servers,
        mark: { mark: 7, destination: MARKED, port: PORT },
        services: [
          { protocol: 'tcp', address: virtualAddress, port: PORT },
          { protocol: 'udp', address: virtualAddress, port: 0, persistence: { timeoutSeconds: 60 } },
          { protocol: 'tcp', address: virtualAddress6, port: 1, lastPort: 65535 },
          { protocol: 'tcp', address: RANGE, port: PORT, lastPort: PORT + 9 },
          { mark: 7 },
        ],
      },
    );
    for (const address of [virtualAddress, virtualAddress6]) await web.call('bindUdp', { address });
  });

  after(async () => {
    await stage?.close();
  });

  // biome-ignore lint/suspicious/noExplicitAny: the parameters have the types of the other process
  const run = <Result>(body: (director: any, argument: any) => Result, argument: unknown = null) =>
    agent.call<Result>('run', { source: body.toString(), argument });

  const check = (server: string, virtualAddress: string, more: object = {}) =>
    agent.call<Finding>('check', {
      ...{ server, virtualAddress, protocol: 'tcp', kind: 'tcp', via: 'vip', timeoutMs: 2000 },
      ...more,
    });

  const connected = { passed: true, message: 'connected' };

  it('get to frames, tunnels of either family, and the local node', async () => {
    const { virtualAddress, virtualAddress6 } = stage.topology;
    for (const { name, address, address6, forwarding } of servers) {
      const rip4 = forwarding === 'gre' ? address6 : address;
      const rip6 = forwarding === 'gre' ? address : address6;
      assert.deepEqual(await check(rip4, virtualAddress), connected, `${name} over IPv4`);
      assert.deepEqual(await check(rip6, virtualAddress6, { target: { port: PORT } }), connected, `${name} over IPv6`);
      const echo = { protocol: 'udp', kind: 'udp-echo', target: { port: PORT } };
      assert.deepEqual(await check(rip4, virtualAddress, echo), { passed: true, message: `${name} hello` });
    }
  });

  it('need a port where the service has every port', async () => {
    const { address = '' } = servers[0] ?? {};
    const finding = await check(address, stage.virtualAddress, { protocol: 'udp', kind: 'udp-echo' });
    assert.equal(finding.reason, 'failed');
    assert.match(finding.message, /every port/);
  });

  it('ask one address of a range, and the first port', async () => {
    const { address = '' } = servers[0] ?? {};
    const target = { virtualAddress: IN_RANGE };
    assert.deepEqual(await check(address, RANGE, { target }), connected);
    // Nobody has the first address.
    const finding = await check(address, RANGE, { via: 'both', timeoutMs: 500 });
    assert.equal(finding.reason, 'not decapsulating');
    assert.match(finding.message, /silence on 10\.9\.8\.16 /);
  });

  it('ask a service by mark at the address of its rule', async () => {
    for (const { name, address, address6, forwarding } of servers) {
      const finding = await check(forwarding === 'gre' ? address6 : address, '0.0.0.0', { protocol: 'ip' });
      assert.deepEqual(finding, connected, name);
    }
  });
});
