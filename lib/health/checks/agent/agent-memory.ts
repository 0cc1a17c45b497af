/** What agents have said before: what an answer does not name stays as it was, as HAProxy has it. */
import type { AgentWords } from './agent-text.js';

export interface AgentState {
  readonly factor?: number;
  readonly operating?: AgentWords['operating'];
  readonly administrative?: AgentWords['administrative'];
  readonly description?: string;
}

/** Returns the state after an answer. */
export function afterWords(state: AgentState, words: AgentWords): AgentState {
  const { factor = state.factor, administrative = state.administrative, operating = state.operating } = words;
  const description = words.operating === undefined ? state.description : words.description;
  return {
    ...(factor !== undefined && { factor }),
    ...(operating !== undefined && { operating }),
    ...(administrative !== undefined && { administrative }),
    ...(description !== undefined && { description }),
  };
}

/** The state of each server. The server that was asked the longest ago is forgotten first. */
export class AgentMemory {
  static readonly MAX_SERVERS = 65_536;
  readonly #states = new Map<string, AgentState>();

  recall(server: string): AgentState {
    return this.#states.get(server) ?? {};
  }

  /** Takes an answer in, and returns the state after it. */
  learn(server: string, words: AgentWords): AgentState {
    const state = afterWords(this.recall(server), words);
    this.#states.delete(server);
    if (this.#states.size >= AgentMemory.MAX_SERVERS) this.#states.delete(this.#states.keys().next().value as string);
    this.#states.set(server, state);
    return state;
  }
}
