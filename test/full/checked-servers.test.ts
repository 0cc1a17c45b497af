/** `tunvs run` checks nginx, dnsmasq, aiosmtpd and HAProxy: each is up, down for the reason at hand, and up again. */
import { strict as assert } from 'node:assert';
import { mkdirSync } from 'node:fs';
import type { HealthOverview } from '../../lib/control/schema/health.js';
import { eventually } from '../support/eventually.js';
import { describeLab, type LabProcess, TestStage, type TestServer } from '../support/lab.js';
import { Operated } from '../support/operated.js';
import { DnsmasqFolder, KNOWN_ADDRESS, KNOWN_NAME } from '../support/real-servers/dnsmasq.js';
import { HaproxyFolder } from '../support/real-servers/haproxy.js';
import { NginxFolder } from '../support/real-servers/nginx.js';

const PORTS = { smtp: 25, dns: 53, store: 8080, grpc: 8081, web: 8082, agent: 8083 };
/** What is configured, of which the agent takes a share. */
const WEIGHT = 40;

type Program = 'nginx' | 'haproxy' | 'dnsmasq' | 'aiosmtpd';
type ServerHealth = HealthOverview['services'][number]['servers'][number];

describeLab('tunvs run and the programs of real servers', function () {
  this.timeout(120_000);
  let stage: TestStage;
  let operated: Operated;
  let failing: TestServer;
  let other: TestServer;
  let nginx: NginxFolder;
  let nginxOfOther: NginxFolder;
  let haproxy: HaproxyFolder;
  let dnsmasq: DnsmasqFolder;
  const running = new Map<Program, LabProcess>();

  before(async () => {
    stage = await TestStage.open({ realServers: 2 });
    operated = new Operated(stage.director);
    [failing, other] = stage.servers as [TestServer, TestServer];
    nginx = new NginxFolder(folder('nginx'), { ...PORTS, name: failing.name });
    nginxOfOther = new NginxFolder(folder('nginx-of-other'), { ...PORTS, name: other.name });
    haproxy = new HaproxyFolder(folder('haproxy'), PORTS);
    dnsmasq = new DnsmasqFolder(folder('dnsmasq'));
    for (const name of ['nginx', 'haproxy', 'dnsmasq', 'aiosmtpd'] as const) start(name);
    other.host.spawn(nginxOfOther.command);
    await operated.start(['--config', operated.write('tunvs.json', JSON.stringify(configuration()))]);
  });

  after(async () => {
    await stage?.close();
    nginx?.unmount();
    nginxOfOther?.unmount();
    await operated?.[Symbol.asyncDispose]();
  });

  function folder(name: string): string {
    const path = operated.path(name);
    mkdirSync(path);
    return path;
  }

  function start(name: Program): void {
    const commands: Record<Program, string[]> = {
      ...{ nginx: nginx.command, haproxy: haproxy.command, dnsmasq: dnsmasq.command },
      aiosmtpd: ['aiosmtpd', '-n', '-c', 'aiosmtpd.handlers.Sink', '-l', `0.0.0.0:${PORTS.smtp}`],
    };
    running.set(name, failing.host.spawn(commands[name]));
  }

  const stop = (name: Program) => running.get(name)?.stop('SIGKILL');
  const signal = (name: Program, given: NodeJS.Signals) => running.get(name)?.kill(given);

  function configuration() {
    const { directorAddress, virtualAddress } = stage.topology;
    const service = (port: number, check: object, more: object = {}) => ({
      listen: `tcp ${virtualAddress}:${port}`,
      ...{ scheduler: 'wrr', health: { check }, servers: [{ address: failing.address, weight: WEIGHT }] },
      ...more,
    });
    const services = [
      service(
        PORTS.store,
        { http: { method: 'PUT', path: '/probe', body: 'written', status: '200-299' } },
        { scheduler: 'rr', servers: [{ address: failing.address }, { address: other.address }] },
      ),
      service(PORTS.grpc, { grpc: {} }),
      service(PORTS.web, { agent: { port: PORTS.agent, mustAnswer: true } }),
      service(PORTS.smtp, { smtp: { greeting: 'EHLO' } }),
      service(
        PORTS.dns,
        { dns: { name: KNOWN_NAME, type: 'A', answers: [KNOWN_ADDRESS] } },
        { listen: `udp ${virtualAddress}:${PORTS.dns}` },
      ),
    ];
    const health = { via: 'both', interval: '200ms', timeout: '500ms', retries: 0, rise: 1, fall: 2 };
    return { source: directorAddress, health, services };
  }

  async function becomes(port: number, state: ServerHealth['state'], message = /./): Promise<void> {
    await eventually(
      async () => (await operated.health()).find(({ name }) => name.endsWith(`:${port}`))?.servers[0],
      (seen) => seen?.state === state && message.test(seen.message ?? seen.last?.message ?? ''),
      `the server of port ${port} is ${state}, ${message}`,
    );
  }

  /** Asserts that a fault is found and named, and that the server is up again afterwards. */
  async function isFound(port: number, named: RegExp, begin: () => unknown, end: () => unknown): Promise<void> {
    await becomes(port, 'up');
    await begin();
    await becomes(port, 'down', named);
    await end();
    await becomes(port, 'up');
  }

  const stops = (name: Program, port: number) =>
    isFound(
      port,
      /refused/,
      () => stop(name),
      () => start(name),
    );

  const hangs = (name: Program, port: number, named = /was not answered|no answer|nothing came|timed out/) =>
    isFound(
      port,
      named,
      () => signal(name, 'SIGSTOP'),
      () => signal(name, 'SIGCONT'),
    );

  /** Asserts that new clients of nginx are answered by these servers and no others. */
  async function answeredBy(names: readonly string[]): Promise<void> {
    const ask = `for each in 1 2 3 4; do curl -sS --fail http://${stage.virtualAddress}:${PORTS.store}/name; done`;
    const { stdout } = await stage.client.exec(['sh', '-ec', ask]);
    assert.deepEqual([...new Set(stdout.trim().split('\n'))].sort(), names);
  }

  it('http: finds nginx with a full disk, which answers 500; clients go elsewhere, and come back', async () => {
    await becomes(PORTS.store, 'up');
    await answeredBy([failing.name, other.name]);
    await isFound(
      PORTS.store,
      /status 500/,
      () => nginx.fillDisk(),
      async () => {
        await answeredBy([other.name]);
        nginx.emptyDisk();
      },
    );
    await answeredBy([failing.name, other.name]);
  });

  it('grpc: finds that nginx answers NOT_SERVING', () =>
    isFound(
      PORTS.grpc,
      /NOT_SERVING/,
      () => nginx.serveGrpc(false),
      () => nginx.serveGrpc(true),
    ));

  it('grpc: finds nginx stopped', () => stops('nginx', PORTS.grpc));
  it('http: finds nginx that takes connections and does not answer', () => hangs('nginx', PORTS.store));

  it('dns: finds that dnsmasq no longer knows a name', () => {
    const know = (isKnown: boolean) => {
      dnsmasq.know(isKnown);
      signal('dnsmasq', 'SIGHUP');
    };
    return isFound(
      PORTS.dns,
      /REFUSED|NXDOMAIN/,
      () => know(false),
      () => know(true),
    );
  });

  it('dns: finds dnsmasq stopped', () => stops('dnsmasq', PORTS.dns));
  it('dns: finds dnsmasq that does not answer', () => hangs('dnsmasq', PORTS.dns, /silence on/));
  it('smtp: finds aiosmtpd stopped', () => stops('aiosmtpd', PORTS.smtp));
  it('smtp: finds aiosmtpd that takes connections and does not answer', () => hangs('aiosmtpd', PORTS.smtp));

  it("agent: finds that HAProxy's agent says down, with its words", () =>
    isFound(
      PORTS.web,
      /out of order/,
      () => haproxy.say('down #out of order'),
      () => haproxy.say('up'),
    ));

  it("agent: takes the weight that HAProxy's agent says", async () => {
    await becomes(PORTS.web, 'up');
    const weighs = (weight: number) =>
      eventually(
        async () => (await operated.adm('-Ln', '-t', `${stage.virtualAddress}:${PORTS.web}`)).stdout,
        (seen) => new RegExp(`-> ${failing.address}:${PORTS.web} +Tunnel +${weight} `).test(seen),
        `the weight is ${weight}`,
      );
    haproxy.say('50%');
    await weighs(WEIGHT / 2);
    haproxy.say('100%');
    await weighs(WEIGHT);
  });

  it('agent: finds HAProxy stopped', () => stops('haproxy', PORTS.web));
});
