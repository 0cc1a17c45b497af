/** The check that asks an agent beside the server, which answers as HAProxy's agent-check has it. */
import { printable } from '../../values/printable.js';
import { type AgentState, AgentMemory } from './agent/agent-memory.js';
import { type AgentWords, parseAgentLine } from './agent/agent-text.js';
import { type Check, type CheckedServer, CheckFailure, type Finding, passed } from './check.js';
import { type AnswerReader, ask, converse } from './conversation.js';
import { defineKind, portOption } from './kind.js';

/**
 * The options of a check that asks an agent.
 *
 * @example
 * ```ts
 * import type { AgentCheckOptions } from 'tunvs/health';
 *
 * const options: AgentCheckOptions = { port: 8990, send: 'status\n' };
 * console.log(options.port); // 8990
 * ```
 */
export interface AgentCheckOptions {
  /** The port of the agent. */
  port: number;
  /** A text that is sent when the connection stands, as HAProxy's agent-send. */
  send?: string;
  /** Whether an agent that cannot be reached, or says nothing known, is a failure of the server; false by default. */
  mustAnswer?: boolean;
}

export const agent = defineKind<AgentCheckOptions, 'mustAnswer'>({
  name: 'agent',
  description: "Takes the word of an agent beside the server, in the text of HAProxy's agent-check.",
  options: {
    port: { ...portOption, isRequired: true, description: 'Sets the port of the agent.', defaultSaid: 'none' },
    send: { type: 'string', what: 'a text', description: 'Sets a text that is sent when the connection stands.' },
    mustAnswer: {
      type: 'boolean',
      default: false,
      description: 'Says whether a server fails whose agent cannot be reached or says nothing that is known.',
    },
  },
  prepare: ({ port, send, mustAnswer }) => {
    const memory = new AgentMemory();
    return async (context) => {
      const server = keyOf(context.server);
      const words = await converse(context, port, (socket) =>
        ask(socket, context.signal, send, new FirstLine(), () => 'connected, but no line'),
      ).then(parseAgentLine, (error: unknown) => {
        // The server's own check finds out whether it can be reached.
        if (mustAnswer || !(error instanceof CheckFailure)) throw error;
        return error;
      });
      if (!(words instanceof CheckFailure)) {
        if (mustAnswer && saysNothing(words))
          throw new CheckFailure('wrong answer', `the agent says ${unknownOf(words)}`);
        return findingOf(memory.learn(server, words), words);
      }
      return { ...findingOf(memory.recall(server), {}), warning: `the agent does not answer: ${words.message}` };
    };
  },
});

const keyOf = ({ address, port, service }: CheckedServer) =>
  [address, port, service.protocol, service.address, service.port].join(' ');

function findingOf(state: AgentState, words: AgentWords): Finding {
  const { operating = 'up', administrative = 'ready', factor, description } = state;
  const said = description === undefined ? '' : `: ${printable(description.slice(0, 100))}`;
  if (administrative === 'maint') throw new CheckFailure('wrong answer', 'the agent says maint');
  if (operating !== 'up') throw new CheckFailure('wrong answer', `the agent says ${operating}${said}`);
  const more = words.unknown === undefined ? {} : { warning: `the agent says ${unknownOf(words)}` };
  // The connections of a server that is drained go on.
  if (administrative === 'drain') return passed('the agent says drain', { advice: { weight: 0 }, ...more });
  if (factor === undefined) return passed('the agent says up', more);
  return passed(`the agent says ${Math.round(factor * 100)}%`, { advice: { factor }, ...more });
}

const saysNothing = ({ operating, administrative, factor, maxconn }: AgentWords) =>
  [operating, administrative, factor, maxconn].every((said) => said === undefined);

function unknownOf({ unknown }: AgentWords): string {
  if (unknown === undefined) return 'nothing';
  return `what means nothing: ${unknown.map((word) => `"${printable(word)}"`).join(', ')}`;
}

const MAX_LINE_BYTES = 1024;

/** A line ends at the first CR or LF, or with the connection. */
class FirstLine implements AnswerReader<string> {
  #line = '';

  take(piece: Buffer): string | undefined {
    this.#line += piece.toString('latin1', 0, MAX_LINE_BYTES + 1 - this.#line.length);
    const end = this.#line.search(/[\r\n]/);
    if (end >= 0) return this.#line.slice(0, end);
    if (this.#line.length > MAX_LINE_BYTES)
      throw new CheckFailure('wrong answer', `a line of more than ${MAX_LINE_BYTES} bytes`);
    return undefined;
  }

  end(): string {
    if (this.#line === '') throw new CheckFailure('closed', 'connection closed before a line');
    return this.#line;
  }
}

/**
 * Makes a check that takes the word of an agent beside the server, in the text of HAProxy's agent-check: `75%` is a part
 * of the configured weight; `down`, `fail`, `failed`, `stopped` and `maint` fail the server, `up` and `ready` undo that;
 * `drain` is a weight of 0; `maxconn:N` is passed over. What an answer does not name stays as it was.
 *
 * @example
 * ```ts
 * import { agentCheck } from 'tunvs/health';
 *
 * const check = agentCheck({ port: 8990 });
 * console.log(check.kind); // agent
 * ```
 */
export const agentCheck = (options: AgentCheckOptions): Check => agent.make(options);
