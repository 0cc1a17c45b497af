/** `tunvs run` moves clients away from a server at fault, whatever the method, says what it is, and moves them back. */
import { strict as assert } from 'node:assert';
import type { HealthOverview } from '../../lib/control/schema/health.js';
import { Agent } from '../../lib/lab/agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab, PORT, program, startRealServerCommand, TestStage, type TestServer } from '../support/lab.js';
import { nftProblem } from '../support/nft.js';
import { Operated } from '../support/operated.js';

const METHODS = ['ipip', 'gue', 'gre', 'dr'] as const;
const LOCAL = 'local';
const GUE_PORT = 6080;

type Method = (typeof METHODS)[number];
type Servers = HealthOverview['services'][number]['servers'];

describeLab('tunvs run with a server at fault', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let local: Agent;

  before(async () => {
    stage = await TestStage.open({
      ...{ topology: 'lan', ipv6: true, rpFilter: 1, realServers: METHODS.length },
      forwarding: (index) => METHODS[index] ?? 'ipip',
    });
    // Servers say by ICMP what is wrong each time, and not as often as Linux lets them by default.
    const unlimited = 'echo 0 > /proc/sys/net/ipv4/icmp_ratelimit; echo 0 > /proc/sys/net/ipv6/icmp/ratelimit';
    for (const { host } of stage.servers) await host.exec(['sh', '-c', unlimited]);
    local = await Agent.connect(stage.director.node(program('web-server'), [LOCAL, `${PORT}`]));
    operated = new Operated(stage.director);
    await operated.start(['--config', configure()]);
  });

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  function configure(guePort = GUE_PORT): string {
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    const serversOf = (rip: 'address' | 'address6') => [
      ...stage.servers.map((server, index) => ({
        ...{ address: server[rip], forwarding: METHODS[index] },
        ...(METHODS[index] === 'gue' && { tunnelPort: guePort }),
      })),
      { address: rip === 'address' ? directorAddress : directorAddress6, forwarding: LOCAL },
    ];
    const services = [
      { listen: `tcp ${virtualAddress}:${PORT}`, scheduler: 'rr', servers: serversOf('address') },
      { listen: `tcp [${virtualAddress6}]:${PORT}`, scheduler: 'rr', servers: serversOf('address6') },
    ];
    const timing = { interval: '200ms', timeout: '300ms', retries: 0, rise: 1, fall: 2 };
    const health = { check: 'http', via: 'both', ...timing };
    const source = [directorAddress, directorAddress6];
    return operated.write('tunvs.json', JSON.stringify({ source, egress: 'packet', health, services }));
  }

  async function servers(): Promise<Servers> {
    const { stdout } = await operated.tunvs('health', '--json');
    return (JSON.parse(stdout) as HealthOverview).services.flatMap((service) => service.servers);
  }

  const addressesOf = ({ address, address6 }: TestServer) => [address, address6];

  /** Waits until `away` are down and all others up, and asserts that clients are answered by those alone. */
  async function servedWithout(names: readonly string[], away: readonly string[]): Promise<Servers> {
    const all = await eventually(
      servers,
      (seen) =>
        seen.length > 0 && seen.every(({ address, state }) => state === (away.includes(address) ? 'down' : 'up')),
      `all but ${away} up`,
    );
    const wanted = [...stage.servers.map(({ name }) => name), LOCAL].filter((name) => !names.includes(name)).sort();
    for (const address of [stage.virtualAddress, stage.topology.virtualAddress6]) {
      const { failures, servers: answered } = await stage.fetchMany({ address, requests: 20, concurrency: 4 });
      assert.deepEqual([failures, Object.keys(answered).sort()], [[], wanted]);
    }
    return all;
  }

  const serverOf = (method: Method) => stage.servers[METHODS.indexOf(method)] as TestServer;

  /** Asserts that the fault is found, named on the screen as `named`, and that clients go elsewhere, and come back. */
  async function faultIsFound(
    server: TestServer,
    named: RegExp,
    fault: { begin: () => Promise<unknown>; end: () => Promise<unknown>; away?: readonly string[] },
  ): Promise<void> {
    await servedWithout([], []);
    await fault.begin();
    try {
      const away = fault.away ?? addressesOf(server);
      const all = await servedWithout([server.name], away);
      for (const { address, message } of all) if (away.includes(address)) assert.match(message ?? '', named);
      const { stdout: status } = await operated.tunvs('status');
      for (const address of away) assert.ok(status.includes(address), status);
    } finally {
      await fault.end();
    }
    await servedWithout([], []);
  }

  async function serveAgain(server: TestServer): Promise<void> {
    server.web = await Agent.connect(server.host.node(program('web-server'), [server.name, `${PORT}`]));
  }

  async function takeAgain(server: TestServer, forwarding: Method): Promise<void> {
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    server.command = await startRealServerCommand(server.host, {
      ...{ virtualAddress: [virtualAddress, virtualAddress6], director: [directorAddress, directorAddress6] },
      forwarding,
    });
  }

  for (const method of METHODS) {
    it(`finds a stopped process behind ${method}`, () => {
      const server = serverOf(method);
      return faultIsFound(server, /connection refused/, {
        begin: () => server.web.process.stop(),
        end: () => serveAgain(server),
      });
    });

    it(`finds one behind ${method} that accepts and never answers`, () => {
      const server = serverOf(method);
      return faultIsFound(server, /no answer|nothing|time|silence/, {
        begin: async () => server.web.process.kill('SIGSTOP'),
        end: async () => server.web.process.kill('SIGCONT'),
      });
    });

    it(`finds one without the virtual address behind ${method}`, () => {
      const server = serverOf(method);
      return faultIsFound(server, /unreachable|protocol unknown|silence on/, {
        begin: () => server.command.stop(),
        end: () => takeAgain(server, method),
      });
    });
  }

  it('finds a stopped process of its own host', async () => {
    const { directorAddress, directorAddress6 } = stage.topology;
    await servedWithout([], []);
    await local.process.stop();
    const all = await servedWithout([LOCAL], [directorAddress, directorAddress6]);
    assert.match(all.find(({ address }) => address === directorAddress)?.message ?? '', /refused/);
    local = await Agent.connect(stage.director.node(program('web-server'), [LOCAL, `${PORT}`]));
    await servedWithout([], []);
  });

  it('finds a stopped host', () => {
    const server = serverOf('gre');
    return faultIsFound(server, /silence|time|unreachable|no answer|nothing/, {
      begin: async () => server.host.ip(['link set dev eth0 down']),
      end: async () => {
        const { address6 } = server;
        server.host.ip(['link set dev eth0 up']);
        const { stdout } = await server.host.exec(['ip', '-6', 'address', 'show', 'dev', 'eth0']);
        if (!stdout.includes(address6)) server.host.ip([`address add ${address6}/64 dev eth0 nodad`]);
        server.host.ip(['route replace default via 10.2.0.1', 'route replace default via 2001:db8:2::1']);
      },
    });
  });

  it('finds a wrong GUE port', () => {
    const server = serverOf('gue');
    const reload = async (port: number) => {
      configure(port);
      await operated.tunvs('reload');
    };
    // Linux drops a datagram over IPv6 without a checksum that no socket takes, and says nothing.
    return faultIsFound(server, /^http: (port unreachable|silence on [0-9a-f]+:)/, {
      begin: () => reload(6099),
      end: () => reload(GUE_PORT),
    });
  });

  const itWithNft = nftProblem() === undefined ? it : it.skip;
  itWithNft('finds a blackholed tunnel', () => {
    const server = serverOf('ipip');
    const rules =
      'table ip wall {\nchain input {\ntype filter hook prerouting priority raw;\nip protocol 4 drop;\n}\n}\n';
    return faultIsFound(server, /silence on/, {
      begin: () =>
        server.host.exec(['nft', '-f', '-'], {
          input: rules + rules.replace('table ip', 'table ip6').replace('ip protocol 4', 'ip6 nexthdr 41'),
        }),
      end: () => server.host.exec(['sh', '-c', 'nft delete table ip wall; nft delete table ip6 wall']),
    });
  });
});
