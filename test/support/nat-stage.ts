/** A lab of LVS/NAT with everything but the director: the real servers need no more than a route to it. */
import { Agent } from '../../lib/lab/agent.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { INNER_NETWORKS, type LabRealServer, type NatLab, natLab, UPLINK } from '../../lib/lab/topology.js';
import type { RealServerOptions } from '../../lib/index.js';
import { addService, type DirectorAgent } from './director-agent.js';
import { type InnerSecrets, watchInnerSecrets } from './inner-secrets.js';
import { PORT, program } from './lab.js';
import { LabClient } from './lab-client.js';

/** Where the real servers listen; the virtual service's port is PORT. */
export const SERVER_PORT = 8080;

export interface NatTestServer extends LabRealServer {
  name: string;
  web: Agent;
}

export interface NatStageOptions {
  realServers?: number;
  rpFilter?: 0 | 1 | 2;
}

export class NatStage extends LabClient {
  readonly topology: NatLab;
  readonly servers: readonly NatTestServer[];
  readonly secrets: InnerSecrets;

  static async open(options: NatStageOptions = {}): Promise<NatStage> {
    const hosts = await natLab({ ipv6: true, ...options });
    try {
      const servers = await Promise.all(hosts.realServers.map((server) => startServer(server)));
      const client = await Agent.connect(hosts.client.node(program('web-client')));
      const secrets = await watchInnerSecrets(hosts.client, UPLINK, INNER_NETWORKS);
      return new NatStage(hosts, servers, client, secrets);
    } catch (error) {
      await hosts.lab.dispose();
      throw error;
    }
  }

  private constructor(topology: NatLab, servers: readonly NatTestServer[], client: Agent, secrets: InnerSecrets) {
    super(client, topology.virtualAddress, PORT);
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

  virtual(family: 4 | 6): string {
    return family === 4 ? this.virtualAddress : this.topology.virtualAddress6;
  }

  natServers(family: 4 | 6, port = SERVER_PORT): RealServerOptions[] {
    return this.servers.map(({ address, address6 }) => ({
      address: family === 4 ? address : address6,
      port,
      forwarding: 'nat',
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

async function startServer(server: LabRealServer): Promise<NatTestServer> {
  const { host, address, address6 } = server;
  const web = await Agent.connect(host.node(program('web-server'), [host.name, `${SERVER_PORT}`]));
  for (const own of [address, address6]) await web.call('bindUdp', { address: own });
  return { ...server, name: host.name, web };
}
