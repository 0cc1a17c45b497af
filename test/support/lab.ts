/** Labs for mocha: suites that say why they are skipped, and the stage of most lab tests. */
import { Agent } from '../../lib/lab/agent.js';
import { labProblem, tunProblem } from '../../lib/lab/isolation.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';
import { startRealServerCommand } from '../../lib/lab/commands.js';
import { fastPathProblem } from './fast-path.js';
import { LabClient } from './lab-client.js';
import {
  type DirectorLab,
  lanLab,
  type LabRealServer,
  mixedLab,
  routedLab,
  type TopologyOptions,
} from '../../lib/lab/topology.js';

export { DirectorCommand, runArguments, startRealServerCommand } from '../../lib/lab/commands.js';
export { Lab } from '../../lib/lab/lab.js';
export type { LabHost } from '../../lib/lab/lab-host.js';
export { LabProcess } from '../../lib/lab/lab-process.js';
export { labRules } from '../../lib/lab/rules.js';
export { UPLINK } from '../../lib/lab/topology.js';

export const PORT = 80;
export const LAB_TIMEOUT_MS = 60_000;

/** Returns the path of a program of the lab's, by name. */
export const program = (name: string) => new URL(`../../lib/lab/programs/${name}.js`, import.meta.url);

/**
 * Makes a suite that needs namespaces and TUN devices; it is skipped, with the reason in its title, where there are
 * none.
 */
export function describeLab(title: string, body: (this: Mocha.Suite) => void): void {
  const problem = labProblem() ?? tunProblem();
  if (problem === undefined) {
    describe(title, function () {
      this.timeout(LAB_TIMEOUT_MS);
      this.slow(LAB_TIMEOUT_MS);
      body.call(this);
    });
  } else {
    describe.skip(`${title} (skipped: ${problem})`, body);
  }
}

export interface TestServer extends LabRealServer {
  name: string;
  command: LabProcess;
  web: Agent;
}

export interface TestStageOptions extends TopologyOptions {
  topology?: keyof typeof topologies;
  /** As `tunvs realserver --forwarding` takes it, for all or by number from 0. Default: `ipip`. */
  forwarding?: string | ((index: number) => string);
  /** As `tunvs realserver --mode` takes it; that of the environment, TUNVS_TEST_REAL_SERVER_MODE, unless given. */
  mode?: string;
  /** Directors that the real servers accept packets from; the director's addresses by default. */
  directors?: readonly string[];
  /** Virtual addresses besides the topology's; where that is routed, the router sends them to the director. */
  moreVirtualAddresses?: readonly string[];
}

const topologies = { routed: routedLab, lan: lanLab, mixed: mixedLab };

/** A lab with everything but the director: real servers by `tunvs realserver`, their web servers, and the client. */
export class TestStage extends LabClient {
  readonly topology: DirectorLab;
  readonly servers: readonly TestServer[];

  static async open({ topology = 'routed', ...options }: TestStageOptions = {}): Promise<TestStage> {
    const hosts = await topologies[topology](options);
    const { router, directorAddress } = hosts;
    try {
      const routed = topology === 'routed' ? (options.moreVirtualAddresses ?? []) : [];
      router.ip(routed.map((address) => `route add ${address} via ${directorAddress}`));
      const servers = await Promise.all(
        hosts.realServers.map((server, index) => startServer(hosts, server, index, options)),
      );
      const client = await Agent.connect(hosts.client.node(program('web-client')));
      return new TestStage(hosts, servers, client);
    } catch (error) {
      await hosts.lab.dispose();
      throw error;
    }
  }

  private constructor(topology: DirectorLab, servers: readonly TestServer[], client: Agent) {
    super(client, topology.virtualAddress, PORT);
    this.topology = topology;
    this.servers = servers;
  }

  get director(): LabHost {
    return this.topology.director;
  }

  get client(): LabHost {
    return this.topology.client;
  }

  /** Names of the real servers by address. */
  get names(): Map<string, string> {
    return new Map(this.servers.map(({ address, name }) => [address, name]));
  }

  close(): Promise<void> {
    return this.topology.lab.dispose();
  }
}

async function startServer(
  topology: DirectorLab,
  server: LabRealServer,
  index: number,
  { forwarding = 'ipip', mode, directors, moreVirtualAddresses = [] }: TestStageOptions,
): Promise<TestServer> {
  const { virtualAddress, virtualAddress6, directorAddress, directorAddress6, hasIpv6 } = topology;
  const method = typeof forwarding === 'string' ? forwarding : forwarding(index);
  // Direct routing brings nothing to take apart.
  const isTunnel = fastPathProblem() === undefined && method !== 'dr';
  const virtualAddresses = [virtualAddress, ...(hasIpv6 ? [virtualAddress6] : []), ...moreVirtualAddresses];
  const [command, web] = await Promise.all([
    startRealServerCommand(server.host, {
      virtualAddress: virtualAddresses,
      director: directors ?? [directorAddress, ...(hasIpv6 ? [directorAddress6] : [])],
      forwarding: method,
      mode: mode ?? (isTunnel ? process.env.TUNVS_TEST_REAL_SERVER_MODE : undefined),
    }),
    Agent.connect(server.host.node(program('web-server'), [server.host.name, `${PORT}`])),
  ]);
  // A datagram's answer must come from the virtual address, which the host has from now on.
  for (const address of virtualAddresses) await web.call('bindUdp', { address });
  return { ...server, name: server.host.name, command, web };
}

/** Returns everything on a host that tunvs may change, as text, to be compared before and after. */
export async function hostState(host: LabHost): Promise<string> {
  const commands = [
    'ip address show | sed "s/ state .*//"',
    'ip route show table all',
    'ip -6 route show table all',
    'ip rule show; ip -6 rule show',
    'ip -4 neigh show proxy; ip -6 neigh show proxy',
    'ip -o link show | sed "s/:.*<.*//"',
    'cd /proc/sys/net/ipv4 && grep -r . ip_forward tcp_early_demux udp_early_demux conf',
    'cd /proc/sys/net/ipv6/conf && grep . */forwarding */proxy_ndp */accept_ra */disable_ipv6',
    'cd /proc/sys/net && grep . ipv?/neigh/*/proxy_delay',
  ];
  const { stdout } = await host.exec(['sh', '-c', commands.join(';')]);
  return stdout.split('\n').sort().join('\n');
}
