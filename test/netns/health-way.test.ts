/** Checks by the pinned way: each fault of a real server is found and named, and the server passes again afterwards. */
import { strict as assert } from 'node:assert';
import type { Finding } from '../../lib/health/checks/check.js';
import { Agent } from '../../lib/lab/agent.js';
import { eventuallyHolds } from '../support/eventually.js';
import { describeLab, PORT, program, startRealServerCommand, TestStage, type TestServer } from '../support/lab.js';
import { nftProblem } from '../support/nft.js';

const METHODS = ['ipip', 'gue', 'gre'] as const;
const GUE_PORT = 6080;
const TIMEOUT_MS = 1000;

/** Answers each question with a code and no records. */
const NAME_SERVER = `
  const socket = require('node:dgram').createSocket('udp4');
  socket.on('message', (query, { port, address }) => {
    const answer = Buffer.from(query.subarray(0, query.indexOf(0, 12) + 5));
    answer.writeUInt16BE(0x8180 | Number(process.argv[2]), 2);
    for (const [count, at] of [[1, 4], [0, 6], [0, 8], [0, 10]]) answer.writeUInt16BE(count, at);
    socket.send(answer, port, address);
  });
  socket.bind(${PORT}, process.argv[1], () => console.log('bound'));`;

interface Asked {
  server: TestServer;
  family?: 4 | 6;
  kind?: string;
  via?: 'vip' | 'address' | 'both';
  timeoutMs?: number;
  options?: object;
}

describeLab('checks by the pinned way', () => {
  let stage: TestStage;
  let agent: Agent;

  before(async () => {
    stage = await TestStage.open({
      ...{ ipv6: true, rpFilter: 1, realServers: METHODS.length },
      forwarding: (index) => METHODS[index] ?? 'ipip',
    });
    agent = await Agent.connect(stage.director.node(new URL('../support/programs/health-agent.js', import.meta.url)));
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    await agent.call('open', { source: [directorAddress, directorAddress6] });
    for (const [address, rip] of [
      [virtualAddress, 'address'],
      [virtualAddress6, 'address6'],
    ] as const) {
      const servers = stage.servers.map((server, index) => ({
        address: server[rip],
        forwarding: METHODS[index] ?? 'ipip',
        ...(METHODS[index] === 'gue' && { tunnelPort: GUE_PORT }),
      }));
      for (const protocol of ['tcp', 'udp'] as const)
        await run(
          (d, { servers: each, ...service }) => {
            const added = d.addVirtualService({ ...service, scheduler: 'rr' });
            for (const server of each) added.addRealServer(server);
          },
          { protocol, address, port: PORT, servers },
        );
    }
  });

  after(async () => {
    await stage?.close();
  });

  // The body sees nothing but its parameters.
  // biome-ignore lint/suspicious/noExplicitAny: the parameters have the types of the other process
  const run = <Result>(body: (director: any, argument: any) => Result, argument: unknown = null) =>
    agent.call<Result>('run', { source: body.toString(), argument });

  function check({
    server,
    family = 4,
    kind = 'tcp',
    via = 'both',
    timeoutMs = TIMEOUT_MS,
    options,
  }: Asked): Promise<Finding> {
    const { virtualAddress, virtualAddress6 } = stage.topology;
    return agent.call('check', {
      server: family === 4 ? server.address : server.address6,
      protocol: ['udp-echo', 'udp', 'dns'].includes(kind) ? 'udp' : 'tcp',
      virtualAddress: family === 4 ? virtualAddress : virtualAddress6,
      ...{ kind, via, timeoutMs },
      ...(options && { options }),
    });
  }

  const serverOf = (method: (typeof METHODS)[number]) => stage.servers[METHODS.indexOf(method)] as TestServer;

  /** Waits until the server passes again. */
  const passes = (asked: Asked) =>
    eventuallyHolds(async () => {
      const finding = await check(asked);
      assert.ok(finding.passed, JSON.stringify(finding));
    });

  /** Asserts reason and message, and that the mend fits. */
  function assertNamed(finding: Finding, reason: Finding['reason'], message: RegExp, mend: RegExp): void {
    assert.equal(finding.reason, reason, JSON.stringify(finding));
    assert.match(finding.message, message);
    assert.match(finding.mend ?? '', mend);
  }

  const totals = () =>
    run((d) => {
      const { services } = d.stats();
      return JSON.stringify(services, (_, value) => (typeof value === 'bigint' ? `${value}` : value));
    });

  it('get to the very server by every method, over IPv4 and IPv6, and count for nothing', async () => {
    const before = await totals();
    for (const family of [4, 6] as const) {
      for (const server of stage.servers) {
        for (const via of ['vip', 'address', 'both'] as const)
          assert.deepEqual(await check({ server, family, via }), { passed: true, message: 'connected' });
        const echo = await check({ server, family, kind: 'udp-echo', via: 'vip' });
        assert.deepEqual(echo, { passed: true, message: `${server.name} hello` });
      }
    }
    assert.equal(await totals(), before);
  });

  it('get to a server that is down and has no weight', async () => {
    await run((d) => {
      for (const service of d.virtualServices) {
        for (const server of service.realServers) {
          server.weight = 0;
          server.isUp = false;
        }
      }
    });
    for (const server of stage.servers) await passes({ server, via: 'vip' });
    await run((d) => {
      for (const service of d.virtualServices) {
        for (const server of service.realServers) {
          server.weight = 1;
          server.isUp = true;
        }
      }
    });
  });

  it('leave no socket behind', async () => {
    const before = await agent.call('handles');
    const server = serverOf('ipip');
    for (let round = 0; round < 50; round++) await check({ server, via: round % 2 === 0 ? 'vip' : 'both' });
    await eventuallyHolds(async () => assert.deepEqual(await agent.call('handles'), before));
    const { stdout } = await stage.director.exec(['ss', '-Htan', 'dst', stage.virtualAddress]);
    assert.equal(stdout, '');
  });

  it('find a stopped process: refused', async () => {
    const server = serverOf('ipip');
    const { web } = server;
    await web.process.stop();
    assertNamed(await check({ server }), 'refused', /connection refused/, /Start the program/);
    assertNamed(await check({ server, family: 6 }), 'refused', /connection refused/, /Start the program/);
    await serveAgain(server);
  });

  it('find a server that takes connections and never answers: timeout, and not the tunnel', async () => {
    const server = serverOf('ipip');
    server.web.process.kill('SIGSTOP');
    assertNamed(await check({ server, kind: 'tls' }), 'timeout', /./, /takes connections and does not answer/);
    server.web.process.kill('SIGCONT');
    await passes({ server });
  });

  it('find a UDP server that answers from its own address: wrong answer, as of the second failure', async () => {
    const server = serverOf('ipip');
    await server.web.process.stop();
    // A socket that is bound to any address answers from the one of the interface.
    const script = `
      const socket = require('node:dgram').createSocket('udp4');
      socket.on('message', (message, { port, address }) => socket.send(message, port, address));
      socket.bind(${PORT}, () => console.log('bound'));`;
    const echo = server.host.spawn([process.execPath, '-e', script]);
    await echo.line((line) => line === 'bound');
    const first = await check({ server, kind: 'udp-echo' });
    const finding = await check({ server, kind: 'udp-echo' });
    await echo.stop();
    await serveAgain(server);
    assert.equal(first.passed, false);
    assertNamed(finding, 'wrong answer', /^the answer came from 10\.3\.0\.11 in place of 10\.9\.9\.9/, /IP_PKTINFO/);
    await passes({ server, kind: 'udp-echo' });
  });

  it('get by the kind udp to the very server, by every method', async () => {
    for (const family of [4, 6] as const) {
      for (const server of stage.servers) {
        const options = { payload: 'hello', expect: `${server.name} hello` };
        const finding = await check({ server, family, kind: 'udp', via: 'vip', options });
        assert.equal(finding.passed, true, finding.message);
        const other = await check({
          server,
          family,
          kind: 'udp',
          via: 'vip',
          options: { ...options, expect: 'other' },
        });
        assert.equal(other.reason, 'wrong answer');
      }
    }
  });

  it('ask a name server by the kind dns, and find what it answers', async () => {
    const server = serverOf('ipip');
    await server.web.process.stop();
    const options = { name: 'www.example', type: 'A' };
    const ask = (via: 'vip' | 'both' = 'vip') => check({ server, kind: 'dns', via, options });
    for (const code of [0, 2]) {
      const names = server.host.spawn([process.execPath, '-e', NAME_SERVER, stage.virtualAddress, `${code}`]);
      await names.line((line) => line === 'bound');
      const finding = await ask();
      await names.stop();
      assert.equal(finding.passed, code === 0, finding.message);
      if (code !== 0) assert.deepEqual([finding.reason, /SERVFAIL/i.test(finding.message)], ['wrong answer', true]);
    }
    const gone = await ask();
    assert.deepEqual([gone.passed, gone.reason], [false, 'refused'], gone.message);
    await serveAgain(server);
  });

  async function serveAgain(server: TestServer): Promise<void> {
    server.web = await Agent.connect(server.host.node(program('web-server'), [server.name, `${PORT}`]));
    for (const address of [stage.virtualAddress, stage.topology.virtualAddress6])
      await server.web.call('bindUdp', { address });
    await passes({ server });
  }

  it('find a server without the virtual address: not decapsulating', async () => {
    for (const method of METHODS) {
      const server = serverOf(method);
      await server.command.stop();
      const { directorAddress: director } = stage.topology;
      const other = await startRealServerCommand(server.host, {
        ...{ virtualAddress: '10.9.9.8', director, forwarding: method },
      });
      const finding = await check({ server });
      const command = `tunvs realserver --vip ${stage.virtualAddress} --director ${director}`;
      assertNamed(
        finding,
        'not decapsulating',
        /^silence on 10\.9\.9\.9 .* while 10\.3\.0\.1\d answers$/,
        new RegExp(command),
      );
      await other.stop();
      await takeAgain(server, method);
    }
  });

  async function takeAgain(server: TestServer, forwarding: string, extra: object = {}): Promise<void> {
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    server.command = await startRealServerCommand(server.host, {
      virtualAddress: [virtualAddress, virtualAddress6],
      director: [directorAddress, directorAddress6],
      ...{ forwarding, ...extra },
    });
    await passes({ server });
  }

  it('find a server without the tunnel: unreachable, with the code', async () => {
    const expected = {
      ipip: /^protocol unreachable \(ICMP type 3, code 2/,
      gre: /^protocol unreachable/,
      gue: /^port unreachable/,
    };
    for (const method of METHODS) {
      const server = serverOf(method);
      await server.command.stop();
      const named = await check({ server });
      assertNamed(named, 'unreachable', expected[method], new RegExp(`^At ${server.address} .*--dry-run`));
      assertNamed(await check({ server, via: 'vip' }), 'unreachable', expected[method], /^At /);
      await takeAgain(server, method);
    }
  });

  it('find strict rp_filter on the tunnel device: not decapsulating', async () => {
    const server = serverOf('ipip');
    const strict = 'for file in /proc/sys/net/ipv4/conf/tun*/rp_filter; do echo 1 > $file; done';
    // `tunvs realserver` sets it back within a second.
    await eventuallyHolds(async () => {
      await server.host.exec(['sh', '-c', strict]);
      const finding = await check({ server, timeoutMs: 300 });
      assertNamed(finding, 'not decapsulating', /^silence/, /rp_filter/);
    });
    await passes({ server });
  });

  it('find a wrong GUE port: unreachable', async () => {
    const server = serverOf('gue');
    await run(
      (d, [address, port]: [string, number]) => {
        for (const service of d.virtualServices)
          for (const each of service.realServers)
            if (each.address === address) each.edit({ forwarding: 'gue', tunnelPort: port });
      },
      [server.address, 6099],
    );
    const finding = await check({ server });
    assertNamed(finding, 'unreachable', /^port unreachable/, /nobody takes GUE on UDP port 6099.*--gue-port 6099/);
    await run(
      (d, [address, port]: [string, number]) => {
        for (const service of d.virtualServices)
          for (const each of service.realServers)
            if (each.address === address) each.edit({ forwarding: 'gue', tunnelPort: port });
      },
      [server.address, GUE_PORT],
    );
    await passes({ server });
  });

  const itWithNft = nftProblem() === undefined ? it : it.skip;
  itWithNft('find a blackholed tunnel, and a firewall that says so', async () => {
    // Raw sockets get a packet before the chain for input sees it.
    const wall = (hook: string, rule: string) => ({
      input: `table ip wall {\nchain input {\ntype filter hook ${hook};\nip protocol ${rule};\n}\n}\n`,
    });
    const silent = serverOf('ipip');
    await silent.host.exec(['nft', '-f', '-'], wall('prerouting priority raw', '4 drop'));
    assertNamed(await check({ server: silent }), 'not decapsulating', /silence/, /accepts IP protocols 4 and 41/);
    await silent.host.exec(['nft', 'delete', 'table', 'ip', 'wall']);
    await passes({ server: silent });

    // The kernel rejects no IPIP packet by ICMP, since it takes the packet's checksum for wrong.
    const telling = serverOf('gre');
    const rejects = wall('input priority filter', '47 reject with icmp type admin-prohibited');
    await telling.host.exec(['nft', '-f', '-'], rejects);
    const firewall = new RegExp(`firewall at ${telling.address} accept IP protocol 47`);
    assertNamed(await check({ server: telling }), 'unreachable', /communication prohibited.*code 13/, firewall);
    await telling.host.exec(['nft', 'delete', 'table', 'ip', 'wall']);
    await passes({ server: telling });
  });

  itWithNft("pass a firewall of the director's host that lets in replies alone", async () => {
    const chain = [
      'type filter hook input priority filter; policy drop;',
      ...['iif lo accept', 'iifname "tunvs0" accept', 'ct state established,related accept'],
      // Neighbours are looked for by ICMPv6.
      'icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept',
    ];
    const input = `table inet wall {\nchain input {\n${chain.join('\n')}\n}\n}\n`;
    await stage.director.exec(['nft', '-f', '-'], { input });
    for (const family of [4, 6] as const) {
      for (const server of stage.servers) {
        assert.deepEqual(await check({ server, family, via: 'vip' }), { passed: true, message: 'connected' });
        assert.equal((await check({ server, family, via: 'vip', kind: 'udp-echo' })).passed, true);
      }
    }
    await stage.director.exec(['nft', 'delete', 'table', 'inet', 'wall']);
  });

  itWithNft("find a firewall of the director's host that sends nothing, or sends it elsewhere", async () => {
    const server = serverOf('ipip');
    const wall = (rule: string) => ({
      input: `table ip wall {\nchain output {\ntype filter hook output priority filter;\n${rule}\n}\n}\n`,
    });
    await stage.director.exec(['nft', '-f', '-'], wall(`ip daddr ${stage.virtualAddress} drop`));
    const finding = await check({ server });
    assert.equal(finding.reason, 'failed', JSON.stringify(finding));
    await stage.director.exec(['nft', 'delete', 'table', 'ip', 'wall']);
    await passes({ server });
    stage.director.ip([
      `rule add pref 0 to ${stage.virtualAddress} lookup 99`,
      'route add default via 10.2.0.1 table 99',
    ]);
    assertNamed(await check({ server }), 'failed', /sends packets for 10\.9\.9\.9 to eth0/, /ip rule/);
    stage.director.ip([
      `rule del pref 0 to ${stage.virtualAddress} lookup 99`,
      'route del default via 10.2.0.1 table 99',
    ]);
    await passes({ server });
  });

  it('find a stopped host: silence on both, until the router says that it is gone', async () => {
    const server = serverOf('gre');
    await stage.topology.router.ip([`link set dev ${server.name} down`]);
    const finding = await check({ server });
    assert.ok(['timeout', 'unreachable'].includes(finding.reason ?? ''), JSON.stringify(finding));
    assert.match(finding.mend ?? '', new RegExp(`host ${server.address}`));
    await stage.topology.router.ip([`link set dev ${server.name} up`]);
    await eventuallyHolds(async () =>
      stage.topology.router.ip([
        `address replace 10.3.0.1/32 dev ${server.name}`,
        `route replace ${server.address}/32 dev ${server.name}`,
      ]),
    );
    await passes({ server });
  });

  it("find that the virtual address is the director's host's own", async () => {
    const server = serverOf('ipip');
    await stage.director.ip([`address add ${stage.virtualAddress}/32 dev lo`]);
    // What the host has said of its routes counts for a second.
    await eventuallyHolds(async () => {
      const finding = await check({ server });
      assertNamed(finding, 'failed', /is an address of the director's host/, /ip address del 10\.9\.9\.9\/32 dev lo/);
    });
    await stage.director.ip([`address del ${stage.virtualAddress}/32 dev lo`]);
    await passes({ server });
  });
});
