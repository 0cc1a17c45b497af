/**
 * Text that is sent as it is read: a slow reader costs only itself.
 *
 * Invariants: nothing is asked of a source before its reader has taken what came before; a source is ended when its
 * reader goes away, takes nothing for too long, or the application is closed.
 */
import type { ControlLimits } from '../context.js';
import { Problem } from '../problem.js';

/** A text source that knows of its end. */
export type Source = (signal: AbortSignal) => AsyncIterable<string> | Iterable<string>;

export class Streams {
  readonly #limits: ControlLimits;
  readonly #open = new Set<AbortController>();

  constructor(limits: ControlLimits) {
    this.#limits = limits;
  }

  /** The number of streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Throws a problem when there are too many already. */
  open(source: Source): ReadableStream<Uint8Array> {
    const { streams, stalledMs } = this.#limits;
    if (this.#open.size >= streams)
      throw new Problem(
        429,
        'ERR_TUNVS_LIMIT',
        `${streams} streams are open already, which is the most: end one, or try again later`,
        { headers: { 'retry-after': '5' } },
      );
    const controller = new AbortController();
    this.#open.add(controller);
    const done = () => void this.#open.delete(controller);
    return textStream(source(controller.signal), { controller, stalledMs, done });
  }

  close(): void {
    for (const controller of this.#open) controller.abort();
  }
}

const encoder = new TextEncoder();

function textStream(
  source: AsyncIterable<string> | Iterable<string>,
  { controller, stalledMs, done }: { controller: AbortController; stalledMs: number; done: () => void },
): ReadableStream<Uint8Array> {
  const parts = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let stalled: NodeJS.Timeout | undefined;
  const finish = () => {
    clearTimeout(stalled);
    done();
    controller.abort();
  };
  const watch = (stream: ReadableStreamDefaultController<Uint8Array>) => {
    stalled = setTimeout(() => {
      finish();
      stream.error(new Error(`nothing was read for ${stalledMs} ms`));
      // Nobody is left who could be told.
      void Promise.resolve(parts.return?.()).catch(() => {});
    }, stalledMs).unref();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(stream) {
        clearTimeout(stalled);
        try {
          const { done: isLast, value } = await parts.next();
          if (isLast) {
            finish();
            stream.close();
            return;
          }
          stream.enqueue(encoder.encode(value));
          watch(stream);
        } catch (error) {
          finish();
          stream.error(error);
        }
      },
      cancel() {
        finish();
        // Nobody is left who could be told.
        void Promise.resolve(parts.return?.()).catch(() => {});
      },
    },
    { highWaterMark: 0 },
  );
}
