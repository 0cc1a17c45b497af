/** A client that keeps its connections, for tests of what becomes of them. */
import { Agent } from '../../lib/lab/agent.js';
import type { LabHost } from '../../lib/lab/lab-host.js';

export interface SteadyRequest {
  address: string;
  port: number;
  connections: number;
  /** From an answer to the next request of the same connection. */
  intervalMs: number;
}

export interface SteadyResult {
  answered: number;
  /** The longest time from a request to its answer. */
  longestMs: number;
  /** Connections that ended, which none may. */
  failures: { localPort: number; reason: string }[];
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

  /** Returns what has come since the last call once each connection has been answered `times` more, or has ended. */
  answered(times: number): Promise<SteadyResult> {
    return this.#agent.call('answered', { times });
  }

  stop(): Promise<SteadyResult> {
    return this.#agent.call('stop');
  }
}
