/** Cuts a stream into lines of JSON, however its chunks fall. */
import { EtcdFailure } from './failure.js';

const NEWLINE = 0x0a;

export class JsonLines {
  readonly #endpoint: string;
  readonly #maxBytes: number;
  #parts: Buffer[] = [];
  #bytes = 0;

  /** A line of more than `maxBytes` is refused: its sender may never end it. */
  constructor(endpoint: string, maxBytes: number) {
    this.#endpoint = endpoint;
    this.#maxBytes = maxBytes;
  }

  /**
   * Returns the values of the lines that the chunk ends.
   *
   * @throws {@link EtcdFailure} of the kind 'foreign'.
   */
  push(chunk: Buffer): unknown[] {
    const values: unknown[] = [];
    let from = 0;
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      this.#keep(chunk.subarray(from, end));
      const line = Buffer.concat(this.#parts).toString();
      [this.#parts, this.#bytes] = [[], 0];
      from = end + 1;
      if (line.trim() !== '') values.push(this.#parsed(line));
    }
    this.#keep(chunk.subarray(from));
    return values;
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes > this.#maxBytes)
      throw new EtcdFailure('foreign', `${this.#endpoint} sends a line of more than ${this.#maxBytes} bytes`);
    if (part.length > 0) this.#parts.push(part);
  }

  #parsed(line: string): unknown {
    try {
      return JSON.parse(line);
    } catch (cause) {
      throw new EtcdFailure('foreign', `${this.#endpoint} sends a line that is no JSON`, { cause });
    }
  }
}
