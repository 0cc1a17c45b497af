/** Hands bodies on as streams, and bounds what they hold: each of them, and all together. */
import type { IncomingMessage } from 'node:http';

/** A body was longer than the limit, or all bodies were. */
export class BodyTooLong extends Error {
  /** 413 for this body's own limit, 503 for that of all. */
  readonly status: 413 | 503;

  constructor(status: 413 | 503, bytes: number) {
    super(
      status === 413
        ? `a body has at most ${bytes} bytes: send less, or change limits.bodyBytes`
        : 'too many bodies are being read: try again',
    );
    this.status = status;
  }
}

export class BodyBudget {
  readonly maxBytes: number;
  readonly #maxInAll: number;
  #inAll = 0;
  /** What was the matter with a body that was cut. */
  readonly #cut = new WeakMap<IncomingMessage, BodyTooLong>();
  readonly #held = new Map<IncomingMessage, number>();

  constructor(maxBytes: number, maxInAll: number) {
    this.maxBytes = maxBytes;
    this.#maxInAll = maxInAll;
  }

  /** The bytes that count now. */
  get bytes(): number {
    return this.#inAll;
  }

  cutOf(incoming: IncomingMessage): BodyTooLong | undefined {
    return this.#cut.get(incoming);
  }

  /** The application is done with the body. Returns its bytes. */
  release(incoming: IncomingMessage): number {
    const bytes = this.#held.get(incoming) ?? 0;
    this.#inAll -= bytes;
    this.#held.delete(incoming);
    return bytes;
  }

  /**
   * Reads no faster than the stream is read. What was read counts until release(), because the application holds it.
   * REQUIRES: release() is called.
   */
  read(incoming: IncomingMessage): ReadableStream<Uint8Array> {
    let bytes = 0;
    let isOver = false;
    const stop = () => {
      isOver = true;
      incoming.off('data', take);
    };
    let take = (_: Buffer) => {};
    this.#held.set(incoming, 0);
    return new ReadableStream<Uint8Array>(
      {
        start: (controller) => {
          const fail = (error: Error) => {
            if (isOver) return;
            stop();
            controller.error(error);
          };
          take = (chunk) => {
            if (!this.#held.has(incoming)) return stop(); // the answer was there before the whole body
            bytes += chunk.length;
            this.#held.set(incoming, bytes);
            this.#inAll += chunk.length;
            const status = bytes > this.maxBytes ? 413 : this.#inAll > this.#maxInAll ? 503 : undefined;
            if (status !== undefined) {
              const cut = new BodyTooLong(status, this.maxBytes);
              this.#cut.set(incoming, cut);
              fail(cut);
              incoming.pause();
              return;
            }
            controller.enqueue(chunk);
            if ((controller.desiredSize ?? 0) <= 0) incoming.pause();
          };
          incoming.on('data', take);
          incoming.pause();
          incoming.once('end', () => {
            if (isOver) return;
            stop();
            controller.close();
          });
          incoming.once('error', fail);
          incoming.once('close', () => fail(new Error('the client is gone')));
        },
        pull: () => {
          incoming.resume();
        },
        cancel: stop,
      },
      { highWaterMark: 0 },
    );
  }
}
