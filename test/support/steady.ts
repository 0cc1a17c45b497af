/** A client that keeps its connections, for tests of what becomes of them. */
import { Agent } from '../../lib/lab/agent.js';
import type { LabHost } from '../../lib/lab/lab-host.js';

export interface SteadyRequest {
  address: string;
  port: number;
  connections: number;
  /** From an answer to the next request of the same connection. */
  intervalMs: number;
  /** The client's own addresses, in turn; by default the host chooses. */
  from?: readonly string[];
  /** Connections are opened, and wait for begin() with their first request. */
  isHeld?: boolean;
}

/** One connection, by its client's end. */
export interface SteadyEnd {
  localAddress: string;
  localPort: number;
}

export interface SteadyResult {
  answered: number;
  /** Of those, the ones that took a second and more: a packet was lost on the way. */
  late: number;
  /** The longest time from a request to its answer. */
  longestMs: number;
  /** Connections that ended, which none may. */
  failures: (SteadyEnd & { reason: string })[];
  /** Connections that are there, and were not answered as often as was asked for. */
  unanswered: SteadyEnd[];
}

export class SteadyClient {
  readonly #agent: Agent;

  static async open(host: LabHost, request: SteadyRequest): Promise<SteadyClient> {
    const agent = await Agent.connect(host.node(new URL('./programs/steady-client.js', import.meta.url)));
    await agent.call('start', request);
    return new SteadyClient(agent);
  }

  private constructor(agent: Agent) {
    this.#agent = agent;
  }

  /** Has connections that are held send their first requests. */
  begin(): Promise<void> {
    return this.#agent.call('begin');
  }

  /**
   * Returns what has come since the last call once each connection has been answered `times` more, or has ended; after
   * `limitMs` the others are `unanswered`.
   */
  answered(times: number, limitMs = 50_000): Promise<SteadyResult> {
    return this.#agent.call('answered', { times, limitMs });
  }

  /** The connections that are there. */
  ends(): Promise<SteadyEnd[]> {
    return this.#agent.call('ends');
  }

  stop(): Promise<SteadyResult> {
    return this.#agent.call('stop');
  }

  /** Ends the process, and with it the connections. */
  async kill(): Promise<void> {
    await this.#agent.process.stop('SIGKILL');
  }
}
