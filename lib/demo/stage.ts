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
  /** The configured weight; 0 while the server is drained. */
  weight: number;
  /** The weight it has in normal times. */
  fullWeight: number;
  isRunning: boolean;
  command: LabProcess;
  web: Agent;
}

export class Stage {
  readonly topology: DirectorLab;
  readonly director: DirectorCommand;
  readonly servers: readonly StageServer[];
  readonly #client: Agent;
  #isClosed = false;

  /** `weights` has an entry for each real server. When aborted, it throws once what was built is gone. */
  static async open(weights: readonly number[], signal: AbortSignal): Promise<Stage> {
    const topology = await routedLab({ realServers: weights.length });
    try {
      signal.throwIfAborted();
      const servers = await Promise.all(
        topology.realServers.map(async (server, index) => {
          const weight = weights[index] ?? 1;
          return {
            ...server,
            name: server.host.name,
            weight,
            fullWeight: weight,
            isRunning: true,
            ...(await startServer(topology, server)),
          };
        }),
      );
      const director = await DirectorCommand.start(topology.director, {
        rules: rulesOf(topology, servers),
        source: topology.directorAddress,
        statsIntervalSeconds: 0.5,
      });
      signal.throwIfAborted();
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

  /** The client's process: whoever enters its namespaces is the client. */
  get clientPid(): number {
    return this.#client.process.pid;
  }

  /** Changes the director's rules as an operator does; resolves when they are in force. */
  async setWeight(server: StageServer, weight: number): Promise<void> {
    this.#check();
    if (server.weight === weight) return;
    server.weight = weight;
    await this.director.reload(rulesOf(this.topology, this.servers), ({ services }) =>
      services.some(({ servers }) => servers.some((row) => row.address === server.address && row.weight === weight)),
    );
  }

  /** Ends the real server's command and its web server. */
  async stopServer(server: StageServer): Promise<void> {
    server.isRunning = false;
    await Promise.all([server.command.stop(), server.web.process.stop()]);
  }

  async startServer(server: StageServer): Promise<void> {
    this.#check();
    if (server.isRunning) return;
    Object.assign(server, await startServer(this.topology, server), { isRunning: true });
  }

  /** Starts it if it is stopped, and gives it its weight again. */
  async restore(server: StageServer): Promise<void> {
    await this.startServer(server);
    await this.setWeight(server, server.fullWeight);
  }

  async restoreAll({ except }: { except?: StageServer } = {}): Promise<void> {
    for (const server of this.servers) if (server !== except) await this.restore(server);
  }

  /** Returns the bytes that arrived at the client and at the director's network interface. */
  async receivedBytes(): Promise<{ client: number; director: number }> {
    const { client, director } = this.topology;
    const [atClient, atDirector] = await Promise.all([client, director].map((host) => host.deviceCounters(UPLINK)));
    return { client: Number(atClient?.receivedBytes ?? 0), director: Number(atDirector?.receivedBytes ?? 0) };
  }

  /** What is under way fails, and nothing begins any more. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.director.stop();
    await this.topology.lab.dispose();
  }

  #check(): void {
    if (this.#isClosed) throw new Error('the stage is closed');
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
  // A client port that comes again is a new connection, even while the old one has not been forgotten.
  const sysctl = 'sysctl net.ipv4.vs.conn_reuse_mode=3\n';
  return sysctl + labRules(virtualAddress, [{ port: PORT, scheduler: 'wrr', servers }]);
}
