/** The check by the beginning of a mail session. */
import type { Socket } from 'node:net';
import { printable } from '../../values/printable.js';
import { type Check, CheckFailure, passed } from './check.js';
import { type AnswerReader, ask, converse } from './conversation.js';
import { defineKind, portOption } from './kind.js';

/**
 * The options of a check by SMTP.
 *
 * @example
 * ```ts
 * import type { SmtpCheckOptions } from 'tunvs/health';
 *
 * const options: SmtpCheckOptions = { greeting: 'EHLO' };
 * console.log(options.greeting); // EHLO
 * ```
 */
export interface SmtpCheckOptions {
  /** The port that is connected to, in place of the one that the service has. */
  port?: number;
  /** The name with which the check greets the server. */
  heloName?: string;
  /** Whether it greets by HELO or by EHLO. */
  greeting?: 'HELO' | 'EHLO';
}

export const smtp = defineKind<SmtpCheckOptions, 'heloName' | 'greeting'>({
  name: 'smtp',
  description: 'Passes when a mail server is ready (220) and takes a greeting (250).',
  options: {
    port: portOption,
    heloName: {
      type: 'string',
      what: 'a host name, or an address in brackets',
      pattern: /^[\w.:[\]-]+$/,
      maxLength: 255,
      default: 'smtpchecker.tunvs.invalid',
      description: 'Sets the name with which the server is greeted.',
    },
    greeting: {
      type: 'choice',
      choices: ['HELO', 'EHLO'],
      default: 'HELO',
      description: 'Says which command greets the server.',
    },
  },
  prepare:
    ({ port, heloName, greeting }) =>
    (context) =>
      converse(context, port, async (socket) => {
        const session = new Session(socket, context.signal);
        await session.expect(220, 'the connection');
        session.say(`${greeting} ${heloName}`);
        const line = await session.expect(250, greeting);
        session.say('QUIT');
        // Its answer shows that the server is done with the session; what it says does not matter.
        await session.reply('QUIT').catch((error) => {
          if (context.signal.aborted) throw error;
        });
        return passed(line);
      }),
});

/** As much as an answer may have (RFC 5321 has lines of 512). */
const MAX_REPLY = 16_384;

/** One line of an answer: its code, whether another one follows, and its text. */
export interface ReplyLine {
  code: number;
  isLast: boolean;
  text: string;
}

/** Returns undefined for what is no line of an answer. */
export function parseReplyLine(line: string): ReplyLine | undefined {
  const found = /^([2-5]\d\d)(?:([ -])(.*))?$/s.exec(line);
  return found ? { code: Number(found[1]), isLast: found[2] !== '-', text: found[3] ?? '' } : undefined;
}

/**
 * Reads answers of one line or several, which have the same code; the text is that of the last line. What follows an
 * answer is kept for the next one.
 */
class ReplyReader implements AnswerReader<ReplyLine> {
  #rest = '';
  #code: number | undefined;
  #bytes = 0;

  take(piece: Buffer): ReplyLine | undefined {
    this.#rest += piece.toString('latin1');
    for (let end = this.#rest.indexOf('\n'); end >= 0; end = this.#rest.indexOf('\n')) {
      const line = this.#line(this.#rest.slice(0, end));
      this.#rest = this.#rest.slice(end + 1);
      if (line.isLast) {
        this.#code = undefined;
        this.#bytes = 0;
        return line;
      }
      this.#code = line.code;
    }
    this.#bound(this.#rest.length);
    return undefined;
  }

  end(): never {
    throw new CheckFailure('closed', 'the connection ended before the answer');
  }

  #line(line: string): ReplyLine {
    this.#bound(line.length);
    this.#bytes += line.length + 1;
    const parsed = parseReplyLine(line.replace(/\r$/, ''));
    if (parsed && (this.#code === undefined || parsed.code === this.#code)) return parsed;
    throw new CheckFailure('wrong answer', `no answer of a mail server: ${printable(line.slice(0, 80))}`);
  }

  #bound(more: number): void {
    if (this.#bytes + more > MAX_REPLY)
      throw new CheckFailure('wrong answer', `an answer of more than ${MAX_REPLY} bytes`);
  }
}

class Session {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #reader = new ReplyReader();

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    // Between two answers, nobody else hears of an error; the next read does.
    socket.on('error', () => {});
  }

  say(command: string): void {
    this.#socket.write(`${command}\r\n`);
  }

  /** Returns the answer for people. */
  async expect(code: number, to: string): Promise<string> {
    const reply = await this.reply(to);
    const said = printable(`${reply.code} ${reply.text}`.trim().slice(0, 200));
    if (reply.code !== code) throw new CheckFailure('wrong answer', `${to} was answered by ${said}, not ${code}`);
    return said;
  }

  /** A server may have answered before it was asked. */
  async reply(to: string): Promise<ReplyLine> {
    const early = this.#reader.take(Buffer.alloc(0));
    if (early) return early;
    const answer = ask(this.#socket, this.#signal, undefined, this.#reader, () => `${to} was not answered`);
    // The answer before has paused it.
    this.#socket.resume();
    return answer;
  }
}

/**
 * Makes a check that connects to a mail server, waits until it is ready, and greets it.
 *
 * @example
 * ```ts
 * import { smtpCheck } from 'tunvs/health';
 *
 * const check = smtpCheck({ heloName: 'director.example.org' });
 * console.log(check.kind); // smtp
 * ```
 */
export const smtpCheck = (options: SmtpCheckOptions = {}): Check => smtp.make(options);
