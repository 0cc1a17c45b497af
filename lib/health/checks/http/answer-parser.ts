/** Reads an answer of HTTP/1 (RFC 9112) piece by piece. A server may send anything. */
import { printable } from '../../../values/printable.js';
import { CheckFailure } from '../check.js';
import type { AnswerReader } from '../conversation.js';
import { type Answer, type AnswerNeeds, hasNoBody, MAX_HEAD_BYTES, MAX_INTERIM } from './answer.js';
import { Body } from './body.js';

const STATUS_LINE = /^HTTP\/1\.[01] ([1-9]\d\d)(?: |$)/;
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/;
const CHUNK_SIZE = /^([0-9A-Fa-f]{1,12})[ \t]*(?:;|$)/;
/** A line with the size of a chunk may be as long; what is longer counts with the header. */
const FREE_CHUNK_LINE = 32;

const wrong = (message: string) => new CheckFailure('wrong answer', message);

function otherProtocol(line: string): CheckFailure {
  const spoken = spokenBy(line);
  const mend = spoken === undefined ? {} : { mend: `The port speaks ${spoken}.` };
  return new CheckFailure('wrong answer', `no answer of HTTP: ${excerpt(line)}`, mend);
}

/** A first frame of HTTP/2 is SETTINGS, of type 4 and less than 64 KiB; a record of TLS here is an alert. */
function spokenBy(line: string): string | undefined {
  if (line.startsWith('\0') && line.startsWith('\x04\0', 3)) return "HTTP/2: set version to '2'";
  return line.startsWith('\x15\x03') ? 'TLS: check it by https' : undefined;
}

const excerpt = (text: string) => `"${printable(text.slice(0, 40))}"`;

/**
 * Invariants: 1. #raw bytes of the body come before the next line; with none of both the answer is complete.
 * 2. A line is kept until it ends; all lines together are at most MAX_HEAD_BYTES, short chunk sizes apart.
 */
export class AnswerParser implements AnswerReader<Answer> {
  readonly #needs: AnswerNeeds;
  readonly #body: Body;
  #onLine: (line: string) => Answer | undefined = this.#statusLine;
  #line = '';
  #lineBytes = 0;
  #extensionBytes = 0;
  #raw = 0;
  #endsWithConnection = false;
  #isChunked = false;
  #interim = 0;
  #status = 0;
  #hasHead = false;
  #headers = new Map<string, string>();
  #lastName = '';

  constructor(needs: AnswerNeeds) {
    this.#needs = needs;
    this.#body = new Body(needs);
  }

  take(piece: Buffer): Answer | undefined {
    for (let at = 0; at < piece.length; ) {
      if (this.#raw > 0) {
        const taken = piece.subarray(at, at + Math.min(this.#raw, piece.length - at));
        at += taken.length;
        this.#raw -= taken.length;
        if (this.#body.add(taken)) return this.#answer();
        if (this.#raw === 0 && !this.#isChunked) return this.#answer();
        continue;
      }
      const feed = piece.indexOf(0x0a, at);
      const end = feed < 0 ? piece.length : feed;
      this.#grow(piece.toString('latin1', at, end), feed < 0 ? 0 : 1);
      at = end + 1;
      if (feed < 0) break;
      const answer = this.#onLine(this.#takeLine());
      if (answer !== undefined) return answer;
    }
    return undefined;
  }

  end(): Answer {
    if (this.#endsWithConnection) return this.#answer();
    const { bytes } = this.#body;
    if (this.#hasHead) throw new CheckFailure('closed', `connection closed within the body, after ${bytes} bytes`);
    if (this.#lineBytes === 0) throw new CheckFailure('closed', 'connection closed before an answer');
    throw new CheckFailure('closed', `connection closed within the header, after ${this.#lineBytes} bytes`);
  }

  /** How far the answer has come, for when the time is over. */
  progress(): string {
    if (this.#hasHead) return `status ${this.#status}, but no end of the body after ${this.#body.bytes} bytes`;
    return this.#lineBytes === 0 ? 'connected, but no answer' : 'the answer has begun, but its header does not end';
  }

  #grow(text: string, feeds: number): void {
    this.#line += text;
    this.#lineBytes += text.length + feeds;
    if (this.#lineBytes > MAX_HEAD_BYTES)
      throw wrong(`${this.#isChunked ? 'chunk sizes' : 'a header'} of more than ${MAX_HEAD_BYTES} bytes`);
    // What speaks another protocol is told without waiting for the end of its line.
    if (this.#onLine === this.#statusLine && this.#line.length >= 5 && !this.#line.startsWith('HTTP/'))
      throw otherProtocol(this.#line);
  }

  #takeLine(): string {
    const line = this.#line.endsWith('\r') ? this.#line.slice(0, -1) : this.#line;
    this.#line = '';
    return line;
  }

  #statusLine(line: string): undefined {
    const [, status] = STATUS_LINE.exec(line) ?? [];
    if (status === undefined) throw otherProtocol(line);
    this.#status = Number(status);
    this.#onLine = this.#field;
  }

  #field(line: string): Answer | undefined {
    if (line === '') return this.#headEnd();
    if (line.startsWith(' ') || line.startsWith('\t')) {
      // A folded line (RFC 9112, 5.2) belongs to the field before.
      this.#headers.set(this.#lastName, `${this.#headers.get(this.#lastName) ?? ''} ${line.trim()}`);
      return undefined;
    }
    const colon = line.indexOf(':');
    const name = line.slice(0, Math.max(0, colon));
    if (!FIELD_NAME.test(name)) throw wrong(`a header line that is none: ${excerpt(line)}`);
    const value = line.slice(colon + 1).trim();
    this.#lastName = name.toLowerCase();
    const before = this.#headers.get(this.#lastName);
    if (before === undefined) this.#headers.set(this.#lastName, value);
    else if (this.#lastName === 'content-length' && before !== value)
      throw wrong('two lengths of the body that differ');
    else if (this.#lastName === 'transfer-encoding') this.#headers.set(this.#lastName, `${before}, ${value}`);
    return undefined;
  }

  #headEnd(): Answer | undefined {
    if (this.#status < 200 && this.#status !== 101) return this.#interimEnd();
    this.#hasHead = true;
    if (!this.#needs.wantsBody(this.#status) || hasNoBody(this.#status, this.#needs.isHead)) return this.#answer();
    const encoding = this.#headers.get('transfer-encoding');
    const length = this.#headers.get('content-length');
    if (encoding !== undefined && encoding.toLowerCase().split(',').at(-1)?.trim() === 'chunked') {
      this.#isChunked = true;
      this.#onLine = this.#chunkSize;
      return undefined;
    }
    if (encoding === undefined && length !== undefined) {
      if (!/^\d{1,15}$/.test(length)) throw wrong(`a length of the body that is none: ${excerpt(length)}`);
      this.#raw = Number(length);
      return this.#raw === 0 ? this.#answer() : undefined;
    }
    this.#endsWithConnection = true;
    this.#raw = Number.POSITIVE_INFINITY;
    return undefined;
  }

  #interimEnd(): undefined {
    if (++this.#interim > MAX_INTERIM)
      throw wrong(`more than ${MAX_INTERIM} interim answers, the last ${this.#status}`);
    this.#headers = new Map();
    this.#onLine = this.#statusLine;
  }

  #chunkSize(line: string): undefined {
    const [, size] = CHUNK_SIZE.exec(line) ?? [];
    if (size === undefined) throw wrong(`a size of a chunk that is none: ${excerpt(line)}`);
    this.#extensionBytes += Math.max(0, line.length - FREE_CHUNK_LINE);
    this.#lineBytes = this.#extensionBytes;
    this.#raw = Number.parseInt(size, 16);
    this.#onLine = this.#raw === 0 ? this.#trailer : this.#chunkEnd;
  }

  #chunkEnd(line: string): undefined {
    if (line !== '') throw wrong(`a chunk that is longer than its size: ${excerpt(line)}`);
    this.#onLine = this.#chunkSize;
  }

  #trailer(line: string): Answer | undefined {
    return line === '' ? this.#answer() : undefined;
  }

  #answer(): Answer {
    return { status: this.#status, headers: this.#headers, body: this.#body };
  }
}
