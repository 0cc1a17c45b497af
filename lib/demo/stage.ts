/** What the demo plays on: a lab in which tunvs's own commands run, with web servers and a client. */
import { Agent } from '../lab/agent.js';
import { DirectorCommand, startRealServerCommand } from '../lab/commands.js';
import type { LabProcess } from '../lab/lab-process.js';
import type { FetchManyRequest, FetchManyResult, FetchRequest, FetchResult } from '../lab/programs/requests.js';
import { labRules } from '../lab/rules.js';
import { type DirectorLab, type LabRealServer, routedLab, UPLINK } from '../lab/topology.js';

const PORT = 80;

const program = (name: string) => new URL(`../lab/programs/${name}.js`, import.meta.url);

export interface StageServer extends LabRealServer {
  name: string;
  /** As configured; 0 while it is drained. */
  weight: number;
  /** The weight it has in normal times. */
  fullWeight: number;
  command: LabProcess;
  web: Agent;
}

export class Stage {
  readonly topology: DirectorLab;
  readonly director: DirectorCommand;
  readonly servers: readonly StageServer[];
  readonly #client: Agent;

  /** `weights` has an entry for each real server. */
  static async open(weights: readonly number[]): Promise<Stage> {
    const topology = await routedLab({ realServers: weights.length });
    try {
      const servers = await Promise.all(
        topology.realServers.map(async (server, index) => {
          const weight = weights[index] ?? 1;
          return {
            ...server,
            name: server.host.name,
            weight,
            fullWeight: weight,
            ...(await startServer(topology, server)),
          };
        }),
      );
      const director = await DirectorCommand.start(topology.director, {
        rules: rulesOf(topology, servers),
        source: topology.directorAddress,
        statsIntervalSeconds: 0.5,
      });
      const client = await Agent.connect(topology.client.node(program('web-client')));
      return new Stage(topology, director, servers, client);
    } catch (error) {
      await topology.lab.dispose();
      throw error;
    }
  }

  private constructor(
    topology: DirectorLab,
    director: DirectorCommand,
    servers: readonly StageServer[],
    client: Agent,
  ) {
    this.topology = topology;
    this.director = director;
    this.servers = servers;
    this.#client = client;
  }

  fetch(request: Partial<FetchRequest>): Promise<FetchResult> {
    return this.#client.call('fetch', { address: this.topology.virtualAddress, port: PORT, ...request });
  }

  fetchMany(request: Omit<FetchManyRequest, 'address' | 'port'>): Promise<FetchManyResult> {
    return this.#client.call('fetchMany', { address: this.topology.virtualAddress, port: PORT, ...request });
  }

  closeConnection(connection: string): Promise<void> {
    return this.#client.call('closeConnection', { connection });
  }

  /** Changes the director's rules as an operator does; resolves when they are in force. */
  async setWeight(server: StageServer, weight: number): Promise<void> {
    server.weight = weight;
    await this.director.reload(rulesOf(this.topology, this.servers), ({ services }) =>
      services.some(({ servers }) => servers.some((row) => row.address === server.address && row.weight === weight)),
    );
  }

  /** Ends the real server's command and its web server. */
  async stopServer(server: StageServer): Promise<void> {
    await Promise.all([server.command.stop(), server.web.process.stop()]);
  }

  async startServer(server: StageServer): Promise<void> {
    Object.assign(server, await startServer(this.topology, server));
  }

  /** Bytes that arrived at the client and at the director's network interface. */
  async receivedBytes(): Promise<{ client: number; director: number }> {
    const { client, director } = this.topology;
    const [atClient, atDirector] = await Promise.all([client, director].map((host) => host.deviceCounters(UPLINK)));
    return { client: Number(atClient?.receivedBytes ?? 0), director: Number(atDirector?.receivedBytes ?? 0) };
  }

  async close(): Promise<void> {
    await this.director.stop();
    await this.topology.lab.dispose();
  }
}

async function startServer(
  topology: DirectorLab,
  { host }: LabRealServer,
): Promise<{ command: LabProcess; web: Agent }> {
  const [command, web] = await Promise.all([
    startRealServerCommand(host, { virtualAddress: topology.virtualAddress, director: topology.directorAddress }),
    Agent.connect(host.node(program('web-server'), [host.name, `${PORT}`])),
  ]);
  return { command, web };
}

function rulesOf({ virtualAddress }: DirectorLab, servers: readonly { address: string; weight: number }[]): string {
  // A client port that comes again is a new connection, also while the old one has not been forgotten.
  const sysctl = 'sysctl net.ipv4.vs.conn_reuse_mode=3\n';
  return sysctl + labRules(virtualAddress, [{ port: PORT, scheduler: 'wrr', servers }]);
}
