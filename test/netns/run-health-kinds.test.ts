/** `tunvs run` with every kind of check: each finds its server up, then down for the right reason, then up again. */
import { strict as assert } from 'node:assert';
import { chmodSync } from 'node:fs';
import type { ServerHealthJson } from '../../lib/control/schema/health.js';
import { Agent } from '../../lib/lab/agent.js';
import { authority } from '../support/certificates.js';
import { eventually } from '../support/eventually.js';
import { describeLab, TestStage } from '../support/lab.js';
import { Operated } from '../support/operated.js';
import { type ServedKind, servedPorts } from '../support/served-ports.js';

const TIMEOUT_MS = 500;
const OWN_PORT = 8101;

interface Trial {
  name: string;
  kind: string;
  options?: object;
  /** Where the service is; the port of the kind by default. */
  port?: number;
  protocol?: 'udp';
  reason: string;
  message: RegExp;
  breaks: () => Promise<unknown> | unknown;
  mends: () => Promise<unknown> | unknown;
}

describeLab('tunvs run with each kind of check', function () {
  this.timeout(180_000);
  let stage: TestStage;
  let operated: Operated;
  let server: Agent;
  const virtualAddresses = () => [stage.virtualAddress, stage.topology.virtualAddress6];

  const manner = (kind: ServedKind, how: string) => server.call('behave', { kind, manner: how });
  const served = (kind: ServedKind, reason: string, message: RegExp, more: Partial<Trial> = {}): Trial => ({
    ...{ name: kind, kind, reason, message, port: servedPorts[kind] },
    ...{ breaks: () => manner(kind, 'wrong'), mends: () => manner(kind, 'right') },
    ...more,
  });
  const mute = (kind: ServedKind, more: Partial<Trial> = {}) =>
    served(kind, 'timeout', /./, { name: `${kind} (mute)`, breaks: () => manner(kind, 'mute'), ...more });
  const echoes = (isIgnored: 0 | 1) =>
    stage.servers[0]?.host.exec(['sh', '-c', `echo ${isIgnored} > /proc/sys/net/ipv4/icmp_echo_ignore_all`]);

  const verified = { caFile: 'ca.pem', serverName: 'server.example.org' };
  const udp = { protocol: 'udp', options: { payload: 'hello', expect: 'echo hello' } } as const;
  const trials: Trial[] = [
    served('tcp', 'refused', /connection refused/),
    served('tls', 'wrong certificate', /expired/, { options: verified }),
    served('http', 'wrong answer', /status 500/),
    mute('http'),
    served('https', 'wrong answer', /status 500/, { options: verified }),
    served('h2', 'wrong answer', /status 500/, { kind: 'http', options: { version: '2' } }),
    mute('h2', { kind: 'http', options: { version: '2' } }),
    served('grpc', 'wrong answer', /NOT_SERVING/),
    mute('grpc'),
    served('smtp', 'wrong answer', /421/),
    mute('smtp'),
    served('agent', 'wrong answer', /down/, { options: { port: servedPorts.agent } }),
    served('udp', 'wrong answer', /./, udp),
    mute('udp', udp),
    served('dns', 'wrong answer', /SERVFAIL/, { protocol: 'udp' }),
    mute('dns', { protocol: 'udp' }),
    {
      ...{ name: 'ping', kind: 'ping', port: OWN_PORT, reason: 'timeout', message: /./ },
      ...{ breaks: () => echoes(1), mends: () => echoes(0) },
    },
    {
      ...{ name: 'exec', kind: 'exec', port: OWN_PORT + 1, options: { path: './check.sh' } },
      ...{ reason: 'wrong answer', message: /exit code 1|ended with 1|code 1/ },
      ...{ breaks: () => operated.write('verdict', '1'), mends: () => operated.write('verdict', '0') },
    },
    {
      ...{ name: 'file', kind: 'file', port: OWN_PORT + 2, options: { path: './number' } },
      ...{ reason: 'wrong answer', message: /the number is 7/ },
      ...{ breaks: () => operated.write('number', '7\n'), mends: () => operated.write('number', '0\n') },
    },
  ];

  before(async () => {
    stage = await TestStage.open({ ipv6: true, realServers: 1 });
    operated = new Operated(stage.director);
    const host = stage.servers[0]?.host;
    assert.ok(host);
    server = await Agent.connect(
      host.node(new URL('../support/programs/checked-server.js', import.meta.url), virtualAddresses()),
    );
    operated.write('ca.pem', authority.cert);
    operated.write('verdict', '0');
    operated.write('number', '0\n');
    chmodSync(operated.write('check.sh', `#!/bin/sh\nexit "$(cat ${operated.path('verdict')})"\n`), 0o755);
    await operated.start(['--config', operated.write('tunvs.json', JSON.stringify(spec()))]);
  });

  after(async () => {
    await operated?.[Symbol.asyncDispose]();
    await stage?.close();
  });

  /** A service for each port, over each family. */
  function spec() {
    const { directorAddress, directorAddress6 } = stage.topology;
    const byPort = new Map(trials.map((trial) => [trial.port, trial]));
    const services = [...byPort.values()].flatMap(({ kind, options = {}, protocol = 'tcp', port }) =>
      virtualAddresses().map((address, index) => ({
        listen: `${protocol} ${index === 0 ? address : `[${address}]`}:${port}`,
        health: { check: { [kind]: options } },
        servers: [{ address: stage.servers[0]?.[index === 0 ? 'address' : 'address6'] }],
      })),
    );
    // More checks a second than these keep a busy machine from answering anybody else.
    const timing = { interval: '400ms', timeout: `${TIMEOUT_MS}ms`, retries: 0, rise: 1, fall: 2 };
    return { source: [directorAddress, directorAddress6], health: timing, services };
  }

  async function states(port: number | undefined): Promise<string[]> {
    return (await operated.health())
      .filter(({ name }) => name.endsWith(`:${port}`))
      .flatMap(({ servers }) => servers.map(({ state }) => state));
  }

  const become = (port: number | undefined, wanted: string, count: number, what: string) =>
    eventually(
      () => states(port),
      (seen) => seen.filter((state) => state === wanted).length === count && seen.length === 2,
      `${port} ${what}: ${wanted}`,
    );

  async function detail(protocol: string, address: string, port: number | undefined): Promise<ServerHealthJson> {
    const isSix = address.includes(':');
    const rip = stage.servers[0]?.[isSix ? 'address6' : 'address'];
    const at = (host: string | undefined) => encodeURIComponent(`${isSix ? `[${host}]` : host}:${port}`);
    const path = `services/${protocol}:${at(address)}/servers/${at(rip)}/health`;
    const { stdout } = await operated.curl([`http://tunvs/v1/${path}`]);
    return JSON.parse(stdout.slice(0, stdout.lastIndexOf('\n'))) as ServerHealthJson;
  }

  for (const { name, kind, port, protocol = 'tcp', reason, message, breaks, mends } of trials) {
    it(`${name}: up, down and named, and up again, over IPv4 and IPv6`, async () => {
      await become(port, 'up', 2, 'at first');
      await breaks();
      // A sysctl of IPv4 is all that keeps a host from answering echo requests.
      const failing = kind === 'ping' ? virtualAddresses().slice(0, 1) : virtualAddresses();
      await become(port, 'down', failing.length, 'when it is wrong');
      for (const address of failing) {
        const health = await detail(protocol, address, port);
        assert.deepEqual([health.isUp, health.reason], [false, reason], JSON.stringify(health));
        assert.match(health.message ?? '', message);
        const [check] = health.checks;
        assert.equal(check?.kind, kind);
        assert.equal(check?.verdict, 'down');
        // `fall` of them had to fail, one after the other, and no more were needed.
        assert.ok((check?.results ?? []).slice(0, 2).every(({ passed }) => !passed));
      }
      await mends();
      await become(port, 'up', 2, 'once it is right');
    });
  }
});
