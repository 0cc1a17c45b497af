/**
 * A lab of NAT with everything but the director. With LVS/NAT the real servers' default route leads to it; with full NAT
 * they have none, and know no network but the one that the director's sources are in.
 */
import { Agent } from '../../lib/lab/agent.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { INNER_NETWORKS, type LabRealServer, type NatLab, natLab, UPLINK } from '../../lib/lab/topology.js';
import type { DirectorOpenOptions, RealServerOptions } from '../../lib/index.js';
import { addService, type DirectorAgent } from './director-agent.js';
import { type InnerSecrets, watchInnerSecrets } from './inner-secrets.js';
import { PORT, program } from './lab.js';
import { LabClient } from './lab-client.js';

/** Where the real servers listen; the virtual service's port is PORT. */
export const SERVER_PORT = 8080;

export type NatMethod = 'nat' | 'snat';

/** Both methods, each by an egress of the host's and by one past it. */
export const natWays = (['nat', 'snat'] as const).flatMap((method) =>
  (['packet', 'tun'] as const).map((egress) => ({ method, egress })),
);

/**
 * What full NAT uses, by address family, in the servers' network: four addresses of IPv4, and three of IPv6, whose first
 * one is the anycast address of routers.
 */
export const NAT_SOURCES = { 4: '10.4.0.192/30', 6: '2001:db8:4::c0/126' } as const;
const inNatSources = { 4: /^10\.4\.0\.19[2-5]$/, 6: /^2001:db8:4::c[1-3]$/ } as const;
export const isNatSource = (address: string) => inNatSources[address.includes(':') ? 6 : 4].test(address);

export interface NatTestServer extends LabRealServer {
  name: string;
  web: Agent;
}

export interface NatStageOptions {
  realServers?: number;
  rpFilter?: 0 | 1 | 2;
  /** Default: `nat`. */
  method?: NatMethod;
}

export class NatStage extends LabClient {
  readonly topology: NatLab;
  readonly servers: readonly NatTestServer[];
  readonly secrets: InnerSecrets;
  readonly method: NatMethod;

  static async open({ method = 'nat', ...options }: NatStageOptions = {}): Promise<NatStage> {
    const hosts = await natLab({ ipv6: true, ...options });
    try {
      if (method === 'snat') leaveSourcesAlone(hosts);
      const servers = await Promise.all(hosts.realServers.map((server) => startServer(server)));
      const client = await Agent.connect(hosts.client.node(program('web-client')));
      const secrets = await watchInnerSecrets(hosts.client, UPLINK, INNER_NETWORKS);
      return new NatStage(hosts, servers, client, secrets, method);
    } catch (error) {
      await hosts.lab.dispose();
      throw error;
    }
  }

  private constructor(
    topology: NatLab,
    servers: readonly NatTestServer[],
    client: Agent,
    secrets: InnerSecrets,
    method: NatMethod,
  ) {
    super(client, topology.virtualAddress, PORT);
    this.method = method;
    this.topology = topology;
    this.servers = servers;
    this.secrets = secrets;
  }

  get director(): LabHost {
    return this.topology.director;
  }

  get client(): LabHost {
    return this.topology.client;
  }

  /** The DIPs. */
  get source(): string[] {
    return [this.topology.directorAddress, this.topology.directorAddress6];
  }

  /** What the director needs for servers of this method. */
  get addresses(): Pick<DirectorOpenOptions, 'source' | 'fullNat'> {
    const fullNat = { sources: Object.values(NAT_SOURCES) };
    return { source: this.source, ...(this.method === 'snat' && { fullNat }) };
  }

  virtual(family: 4 | 6): string {
    return family === 4 ? this.virtualAddress : this.topology.virtualAddress6;
  }

  natServers(family: 4 | 6, port = SERVER_PORT): RealServerOptions[] {
    return this.servers.map(({ address, address6 }) => ({
      address: family === 4 ? address : address6,
      port,
      forwarding: this.method,
    }));
  }

  /** Adds HTTP and the echo of datagrams, for both families. */
  async addServices(director: DirectorAgent, servers = (family: 4 | 6) => this.natServers(family)): Promise<void> {
    for (const family of [4, 6] as const) {
      const service = { address: this.virtual(family), port: PORT, scheduler: 'rr', servers: servers(family) } as const;
      for (const protocol of ['tcp', 'udp'] as const) await addService(director, { protocol, ...service });
    }
  }

  close(): Promise<void> {
    return this.topology.lab.dispose();
  }
}

/** Takes the servers' default routes away. The last of them, behind the inner router, gets one to the sources. */
function leaveSourcesAlone({ realServers }: NatLab): void {
  for (const { host } of realServers) host.ip(['route delete default', 'route delete ::/0']);
  realServers
    .at(-1)
    ?.host.ip(['route add 10.4.0.192/30 via 10.5.0.1', 'route add 2001:db8:4::c0/126 via 2001:db8:5::1']);
}

async function startServer(server: LabRealServer): Promise<NatTestServer> {
  const { host, address, address6 } = server;
  const web = await Agent.connect(host.node(program('web-server'), [host.name, `${SERVER_PORT}`]));
  for (const own of [address, address6]) await web.call('bindUdp', { address: own });
  return { ...server, name: host.name, web };
}
