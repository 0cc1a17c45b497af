/** What is kept of an answer's body: never more than a bound. */
import { createHash, type Hash } from 'node:crypto';

export interface BodyNeeds {
  /** The bytes that are looked at. */
  maxBytes: number;
  /** Whether they are kept, for texts and patterns. */
  text: boolean;
  digest: boolean;
}

export class Body {
  /** How many bytes have come, as far as they are looked at. */
  bytes = 0;
  /** Whether more came than is looked at. */
  isCut = false;

  readonly #needs: BodyNeeds;
  readonly #hash: Hash | undefined;
  #kept = Buffer.alloc(0);

  constructor(needs: BodyNeeds) {
    this.#needs = needs;
    this.#hash = needs.digest ? createHash('md5') : undefined;
  }

  /** Returns whether nothing more is looked at. */
  add(piece: Buffer): boolean {
    const taken = piece.subarray(0, this.#needs.maxBytes - this.bytes);
    this.isCut = taken.length < piece.length;
    this.#hash?.update(taken);
    // A copy: pieces of one byte each would hold much more than their length.
    if (this.#needs.text) this.#keep(taken);
    this.bytes += taken.length;
    return this.isCut;
  }

  bytesKept(): Buffer {
    return this.#kept.subarray(0, this.bytes);
  }

  /** Bytes that are no UTF-8 become U+FFFD. */
  text(): string {
    return this.bytesKept().toString();
  }

  /** The MD5 of the body, as keepalived's genhash has it. It can be asked once. */
  digest(): string | undefined {
    return this.#hash?.digest('hex');
  }

  #keep(taken: Buffer): void {
    const length = this.bytes + taken.length;
    if (length > this.#kept.length) {
      const larger = Buffer.alloc(Math.min(this.#needs.maxBytes, Math.max(1024, 2 * this.#kept.length, length)));
      this.#kept.copy(larger);
      this.#kept = larger;
    }
    taken.copy(this.#kept, this.bytes);
  }
}
