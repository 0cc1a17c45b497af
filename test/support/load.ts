/** Clients that ask all the time, and a director that checks its real servers meanwhile. */
import type { CheckTiming } from '../../lib/health/index.js';
import type { Director } from '../../lib/index.js';
import { Agent } from '../../lib/lab/agent.js';
import { eventually } from './eventually.js';
import { PORT, program, type TestServer, type TestStage } from './lab.js';

export interface LoadRequest {
  address: string;
  port: number;
  workers: number;
  /** The most that a connection waits before it sends its request. */
  mostIdleMs: number;
  timeoutMs: number;
}

export interface LoadResult {
  answered: number;
  /** How many requests each server answered, by its name. */
  servers: Record<string, number>;
  failures: { localPort: number; reason: string }[];
}

interface News {
  address: string;
  isUp: boolean;
}

const TIMING: CheckTiming = { intervalMs: 200, timeoutMs: 500, retries: 1, retryDelayMs: 100, rise: 1 };

/** A stage whose director watches its servers, and a client that keeps them busy. */
export class LoadedStage {
  readonly stage: TestStage;
  readonly #director: Agent;
  readonly #client: Agent;
  readonly #isUp = new Map<string, boolean>();

  /** The last `sorry` servers of the stage are sorry servers. */
  static async open(stage: TestStage, { sorry = 0 } = {}): Promise<LoadedStage> {
    const programs = new URL('./programs/', import.meta.url);
    const director = await Agent.connect(stage.director.node(new URL('monitor-agent.js', programs)));
    const client = await Agent.connect(stage.client.node(new URL('load-client.js', programs)));
    // The router would say after three seconds that a host is not there, and end attempts to connect: a busy machine may
    // not have found that host down by then.
    const asksOften = stage.servers.map(({ name }) => [`net/ipv4/neigh/${name}/mcast_solicit`, '30']);
    await stage.topology.router.setSysctls(Object.fromEntries(asksOften));
    const addresses = stage.servers.map(({ address }) => address);
    const servers = addresses.splice(0, addresses.length - sorry);
    await director.call('open', { source: [stage.topology.directorAddress] });
    const loaded = new LoadedStage(stage, director, client);
    await loaded.run((d) => d.setTimeouts({ tcpFin: 1 }));
    await director.call('watch', {
      ...{ virtualAddress: stage.virtualAddress, port: PORT, servers, sorryServers: addresses, timing: TIMING },
    });
    for (const address of servers) await loaded.becomes(address, true);
    return loaded;
  }

  private constructor(stage: TestStage, director: Agent, client: Agent) {
    this.stage = stage;
    this.#director = director;
    this.#client = client;
  }

  /** Runs `body` in the director's process, where it sees nothing but its parameters. */
  run<Result, Argument = null>(
    body: (director: Director, argument: Argument) => Result,
    argument?: Argument,
  ): Promise<Awaited<Result>> {
    return this.#director.call('run', { source: body.toString(), argument: argument ?? null });
  }

  /** Waits until the checks have found a server up, or down. */
  async becomes(address: string, isUp: boolean): Promise<void> {
    const read = async () => {
      for (const news of await this.#director.call<News[]>('news')) this.#isUp.set(news.address, news.isUp);
      return this.#isUp.get(address);
    };
    await eventually(read, (seen) => seen === isUp, `${address} is ${isUp ? 'up' : 'down'}`);
  }

  /** Returns the client's ports of the connections that the director has sent to a server. */
  portsOf(address: string, state?: string): Promise<number[]> {
    return this.run(
      async (d, { serverAddress, state }) => {
        const ports = [];
        for await (const each of d.connections({ serverAddress }))
          if (state === undefined || each.state === state) ports.push(each.clientPort);
        return ports;
      },
      { serverAddress: address, state },
    );
  }

  /** Returns how many packets met a service without a server to choose. */
  async unanswered(): Promise<number> {
    return this.run((d) => Number(d.stats().counters.dropNoServer));
  }

  start(): Promise<void> {
    const request = { address: this.stage.virtualAddress, port: PORT, workers: 12, mostIdleMs: 40, timeoutMs: 15_000 };
    return this.#client.call('start', request);
  }

  stop(): Promise<LoadResult> {
    return this.#client.call('stop');
  }

  /** Returns what has ended since the last call once there are as many answers as `count`. */
  async answered(count: number): Promise<LoadResult> {
    const all: LoadResult = { answered: 0, servers: {}, failures: [] };
    const read = async () => {
      const piece = await this.#client.call<LoadResult>('taken');
      all.answered += piece.answered;
      for (const [name, n] of Object.entries(piece.servers)) all.servers[name] = (all.servers[name] ?? 0) + n;
      all.failures.push(...piece.failures);
      return all.answered;
    };
    await eventually(read, (seen) => seen >= count, `${count} answers`);
    return all;
  }

  /** Ends a server's program; it stays stopped until `startProgram`. */
  async stopProgram(server: TestServer, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await server.web.process.stop(signal);
  }

  async startProgram(server: TestServer): Promise<void> {
    server.web = await Agent.connect(server.host.node(program('web-server'), [server.name, `${PORT}`]));
  }
}
