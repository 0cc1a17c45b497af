/** `tunvs run` moves clients away from a server at fault, whatever the method, says what it is, and moves them back. */
import { strict as assert } from 'node:assert';
import type { HealthOverview, ServerHealthJson } from '../../lib/control/schema/health.js';
import type { FailureReason } from '../../lib/health/checks/check.js';
import { Agent } from '../../lib/lab/agent.js';
import { eventually, eventuallyHolds } from '../support/eventually.js';
import {
  describeLab,
  type LabProcess,
  PORT,
  program,
  startRealServerCommand,
  TestStage,
  type TestServer,
} from '../support/lab.js';
import { nftProblem } from '../support/nft.js';
import { Operated } from '../support/operated.js';

const METHODS = ['ipip', 'gue', 'gre', 'dr'] as const;
const LOCAL = 'local';
const GUE_PORT = 6080;

type Method = (typeof METHODS)[number];
type Servers = HealthOverview['services'][number]['servers'];

interface Fault {
  /** What is said of it. */
  message: RegExp;
  reason?: FailureReason;
  mend?: RegExp;
  /** The addresses that are found down; both of the server's by default. */
  away?: readonly string[];
  begin: () => Promise<unknown>;
  end: () => Promise<unknown>;
}

describeLab('tunvs run with a server at fault', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let daemon: LabProcess;
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
    daemon = await operated.start(['--config', configure()]);
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
    return (await operated.health()).flatMap((service) => service.servers);
  }

  const addressesOf = ({ address, address6 }: TestServer) => [address, address6];

  /** Waits until `away` are down and all others up, and asserts that clients are answered by those alone. */
  async function servedWithout(away: readonly string[]): Promise<Servers> {
    const all = await eventually(
      servers,
      (seen) =>
        seen.length > 0 && seen.every(({ address, state }) => state === (away.includes(address) ? 'down' : 'up')),
      `all but ${away} up`,
    );
    const { directorAddress, directorAddress6, virtualAddress6 } = stage.topology;
    const pool = [...stage.servers, { name: LOCAL, address: directorAddress, address6: directorAddress6 }];
    for (const [address, rip] of [
      [stage.virtualAddress, 'address'],
      [virtualAddress6, 'address6'],
    ] as const) {
      const wanted = pool.filter((server) => !away.includes(server[rip])).map(({ name }) => name);
      const { failures, servers: answered } = await stage.fetchMany({ address, requests: 20, concurrency: 4 });
      assert.deepEqual([failures, Object.keys(answered).sort()], [[], wanted.sort()]);
    }
    return all;
  }

  const serverOf = (method: Method) => stage.servers[METHODS.indexOf(method)] as TestServer;

  /** Asserts that the fault is found, named wherever an operator looks, that clients go elsewhere, and come back. */
  async function faultIsFound(
    server: TestServer,
    { message, reason, mend = /./, away = addressesOf(server), begin, end }: Fault,
  ): Promise<void> {
    await servedWithout([]);
    await begin();
    try {
      await servedWithout(away);
      // What is found may change from one check to the next, and so what is seen at two places.
      await eventuallyHolds(() => isNamed(away, { message, reason, mend }));
    } finally {
      await end();
    }
    for (const { name } of await servedWithout([]))
      if (away.some((address) => name.includes(address))) assert.match(lastNews(name), /is up/);
  }

  async function isNamed(
    addresses: readonly string[],
    { message, reason, mend }: { message: RegExp; reason: FailureReason | undefined; mend: RegExp },
  ): Promise<void> {
    const down = (await servers()).filter(({ address }) => addresses.includes(address));
    const screen = unwrapped((await operated.tunvs('health')).stdout);
    const status = unwrapped((await operated.tunvs('status')).stdout);
    for (const each of down) {
      assert.match(each.message ?? '', message);
      assert.match(each.mend ?? '', mend);
      assert.ok(screen.includes(`${each.message} ${each.mend}`), screen);
      // Its row is cut, as a terminal is wide.
      const firstWords = `: ${each.message?.slice(0, 20)}`;
      assert.ok(status.includes(`${each.name} of tcp `) && status.includes(firstWords), status);
      assert.match(lastNews(each.name), /is down, /);
      if (reason !== undefined) assert.equal(await reasonOf(each.address), reason);
    }
  }

  /** Lines of a screen are as wide as a terminal. */
  const unwrapped = (text: string) => text.replaceAll(/\s+/g, ' ');

  /** The last line of the log about the server. */
  function lastNews(name: string): string {
    const lines = `${daemon.stderr}\n${daemon.lines.join('\n')}`.split('\n');
    return lines.findLast((line) => line.includes(`real server ${name} of `)) ?? '';
  }

  async function reasonOf(address: string): Promise<string | undefined> {
    const isSix = address.includes(':');
    const at = (host: string) => encodeURIComponent(`${isSix ? `[${host}]` : host}:${PORT}`);
    const vip = isSix ? stage.topology.virtualAddress6 : stage.virtualAddress;
    const { stdout } = await operated.curl([`http://tunvs/v1/services/tcp:${at(vip)}/servers/${at(address)}/health`]);
    return (JSON.parse(stdout.slice(0, stdout.lastIndexOf('\n'))) as ServerHealthJson).reason;
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
      return faultIsFound(server, {
        ...{ message: /connection refused/, reason: 'refused', mend: /Start the program/ },
        begin: () => server.web.process.stop(),
        end: () => serveAgain(server),
      });
    });

    it(`finds one behind ${method} that accepts and never answers`, () => {
      const server = serverOf(method);
      return faultIsFound(server, {
        ...{ message: /no answer|nothing|time/, reason: 'timeout', mend: /takes connections and does not answer/ },
        begin: async () => server.web.process.kill('SIGSTOP'),
        end: async () => server.web.process.kill('SIGCONT'),
      });
    });

    it(`finds one without the virtual address behind ${method}`, () => {
      const server = serverOf(method);
      return faultIsFound(server, {
        ...{ message: /unreachable|protocol unknown|silence on/, mend: /run "tunvs realserver --vip / },
        begin: () => server.command.stop(),
        end: () => takeAgain(server, method),
      });
    });
  }

  it('finds a stopped process of its own host', async () => {
    const { directorAddress, directorAddress6 } = stage.topology;
    await servedWithout([]);
    await local.process.stop();
    const all = await servedWithout([directorAddress, directorAddress6]);
    assert.match(all.find(({ address }) => address === directorAddress)?.message ?? '', /refused/);
    local = await Agent.connect(stage.director.node(program('web-server'), [LOCAL, `${PORT}`]));
    await servedWithout([]);
  });

  it('finds a stopped host', () => {
    const server = serverOf('gre');
    return faultIsFound(server, {
      message: /silence|time|unreachable|no answer|nothing/,
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
    return faultIsFound(server, {
      ...{ message: /^http: (port unreachable|silence on [0-9a-f]+:)/, mend: /--gue-port 6099|UDP port 6099/ },
      begin: () => reload(6099),
      end: () => reload(GUE_PORT),
    });
  });

  it('finds strict rp_filter, which is of IPv4 alone', () => {
    const server = serverOf('ipip');
    const inMounts = (script: string) =>
      server.host.exec(['nsenter', '--target', `${server.command.pid}`, '--mount', 'sh', '-ec', script]);
    const filter = (value: number) =>
      server.host.exec([
        'sh',
        '-ec',
        `for each in /proc/sys/net/ipv4/conf/tun*/rp_filter; do echo ${value} > $each; done`,
      ]);
    return faultIsFound(server, {
      ...{ message: /silence on .* while .* answers/, reason: 'not decapsulating', mend: /rp_filter 0 or 2/ },
      away: [server.address],
      begin: async () => {
        // As in a container: `tunvs realserver` sets it back at once where it may write there.
        await inMounts('mount --bind /proc/sys /proc/sys; mount -o remount,bind,ro /proc/sys');
        await filter(1);
      },
      end: async () => {
        await inMounts('umount /proc/sys');
        await filter(0);
      },
    });
  });

  const itWithNft = nftProblem() === undefined ? it : it.skip;
  itWithNft('finds a blackholed tunnel', () => {
    const server = serverOf('ipip');
    const rules =
      'table ip wall {\nchain input {\ntype filter hook prerouting priority raw;\nip protocol 4 drop;\n}\n}\n';
    return faultIsFound(server, {
      ...{
        message: /silence on .* while .* answers/,
        reason: 'not decapsulating',
        mend: /accepts IP protocols 4 and 41/,
      },
      begin: () =>
        server.host.exec(['nft', '-f', '-'], {
          input: rules + rules.replace('table ip', 'table ip6').replace('ip protocol 4', 'ip6 nexthdr 41'),
        }),
      end: () => server.host.exec(['sh', '-c', 'nft delete table ip wall; nft delete table ip6 wall']),
    });
  });
});
