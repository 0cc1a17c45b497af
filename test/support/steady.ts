/** A client that keeps its connections, for tests of what becomes of them. */
import { Agent } from '../../lib/lab/agent.js';
import type { LabHost } from '../../lib/lab/lab-host.js';
import { eventually } from './eventually.js';

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

  /** Returns what has come since the last call once there are as many answers as `count`. */
  async answered(count: number): Promise<SteadyResult> {
    const all: SteadyResult = { answered: 0, longestMs: 0, failures: [] };
    const read = async () => {
      const piece = await this.#agent.call<SteadyResult>('taken');
      all.answered += piece.answered;
      all.longestMs = Math.max(all.longestMs, piece.longestMs);
      all.failures.push(...piece.failures);
      return all.answered + all.failures.length;
    };
    await eventually(read, (seen) => seen >= count, `${count} answers`);
    return all;
  }

  stop(): Promise<SteadyResult> {
    return this.#agent.call('stop');
  }
}
