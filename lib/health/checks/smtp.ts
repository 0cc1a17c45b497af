/** The check by the beginning of a mail session. */
import type { Socket } from 'node:net';
import { printable } from '../../values/printable.js';
import { type Check, CheckFailure, passed } from './check.js';
import { defineKind, portOption } from './kind.js';

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
    async ({ way, signal }) => {
      const socket = await way.connect(signal, port === undefined ? {} : { port });
      try {
        const session = new Session(socket, signal);
        await session.expect(220, 'the server');
        session.say(`${greeting} ${heloName}`);
        const line = await session.expect(250, greeting);
        session.say('QUIT');
        // Its answer shows that the server is done with the session; what it says does not matter.
        await session.reply().catch(() => signal.throwIfAborted());
        return passed(line);
      } finally {
        socket.resetAndDestroy();
      }
    },
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

class Session {
  readonly #socket: Socket;
  readonly #signal: AbortSignal;
  readonly #chunks: AsyncIterator<Buffer>;
  #rest = '';

  constructor(socket: Socket, signal: AbortSignal) {
    this.#socket = socket;
    this.#signal = signal;
    this.#chunks = socket.iterator({ destroyOnReturn: false });
    // Reads tell of errors; one that comes after them is nobody's.
    socket.on('error', () => {});
  }

  say(command: string): void {
    this.#socket.write(`${command}\r\n`);
  }

  /** Returns the answer for people. */
  async expect(code: number, to: string): Promise<string> {
    const reply = await this.reply();
    const said = printable(`${reply.code} ${reply.text}`.trim().slice(0, 200));
    if (reply.code !== code) throw new CheckFailure('wrong answer', `${to} answered ${said}, not ${code}`);
    return said;
  }

  /** Reads an answer of one line or several, which have the same code; its text is that of its last line. */
  async reply(): Promise<ReplyLine> {
    let left = MAX_REPLY;
    let code: number | undefined;
    for (;;) {
      const line = await this.#line(left);
      left -= line.length + 1;
      const parsed = parseReplyLine(line.replace(/\r$/, ''));
      if (!parsed || (code !== undefined && parsed.code !== code))
        throw new CheckFailure('wrong answer', `no answer of a mail server: ${printable(line.slice(0, 80))}`);
      if (parsed.isLast) return parsed;
      code = parsed.code;
    }
  }

  async #line(most: number): Promise<string> {
    for (;;) {
      const end = this.#rest.indexOf('\n');
      if (end > most || (end < 0 && this.#rest.length > most))
        throw new CheckFailure('wrong answer', `an answer of more than ${MAX_REPLY} bytes`);
      if (end >= 0) {
        const line = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 1);
        return line;
      }
      this.#rest += await this.#chunk();
    }
  }

  async #chunk(): Promise<string> {
    try {
      const { value, done } = await this.#chunks.next();
      if (!done) return value.toString('latin1');
    } catch (error) {
      this.#signal.throwIfAborted();
      throw new CheckFailure('closed', `the connection ended before the answer: ${(error as Error).message}`);
    }
    this.#signal.throwIfAborted();
    throw new CheckFailure('closed', 'the connection ended before the answer');
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
