/**
 * Text that is sent as it is read: a slow reader costs only itself.
 *
 * Invariants: nothing is asked of a source before its reader has taken what came before; a source is ended when its
 * reader goes away, takes nothing for too long, or the application is closed. A stream whose reader has paused holds
 * one piece of text.
 */
import type { ControlLimits } from '../context.js';
import type { Access } from '../door/door.js';
import { Problem } from '../problem.js';

/** A text source that knows of its end. */
export type Source = (signal: AbortSignal) => AsyncIterable<string> | Iterable<string>;

export class Streams {
  readonly #limits: ControlLimits;
  readonly #open = new Set<Stream>();

  constructor(limits: ControlLimits) {
    this.#limits = limits;
  }

  /** The number of streams that are open. */
  get size(): number {
    return this.#open.size;
  }

  /** Throws a problem when there are too many already. */
  open(source: Source, access: Access): ReadableStream<Uint8Array> {
    const { streams, stalledMs, pausedMs } = this.#limits;
    if (this.#open.size >= streams) this.#longestPaused()?.cut();
    if (this.#open.size >= streams)
      throw new Problem(
        429,
        'ERR_TUNVS_LIMIT',
        `${streams} streams are open already, which is the most: end one, or try again later`,
        { headers: { 'retry-after': '5' } },
      );
    const stream: Stream = { controller: new AbortController(), pausedAt: undefined, cut() {} };
    this.#open.add(stream);
    const done = () => void this.#open.delete(stream);
    return textStream(source(stream.controller.signal), stream, access === 'write' ? pausedMs : stalledMs, done);
  }

  #longestPaused(): Stream | undefined {
    const before = performance.now() - this.#limits.stalledMs;
    const paused = [...this.#open].filter(({ pausedAt }) => pausedAt !== undefined && pausedAt < before);
    return paused.sort((one, other) => (one.pausedAt ?? 0) - (other.pausedAt ?? 0))[0];
  }

  close(): void {
    for (const { controller } of this.#open) controller.abort();
  }
}

interface Stream {
  readonly controller: AbortController;
  /** When its reader began to take nothing. */
  pausedAt: number | undefined;
  cut(): void;
}

const encoder = new TextEncoder();

function textStream(
  source: AsyncIterable<string> | Iterable<string>,
  state: Stream,
  patienceMs: number,
  done: () => void,
): ReadableStream<Uint8Array> {
  const parts = Symbol.asyncIterator in source ? source[Symbol.asyncIterator]() : source[Symbol.iterator]();
  let stalled: NodeJS.Timeout | undefined;
  const finish = () => {
    clearTimeout(stalled);
    done();
    state.controller.abort();
  };
  const watch = (stream: ReadableStreamDefaultController<Uint8Array>) => {
    state.pausedAt = performance.now();
    state.cut = () => {
      finish();
      stream.error(new Error(`nothing was read for ${Math.round(performance.now() - (state.pausedAt ?? 0))} ms`));
      // Nobody is left who could be told.
      void Promise.resolve(parts.return?.()).catch(() => {});
    };
    stalled = setTimeout(() => state.cut(), patienceMs).unref();
  };
  return new ReadableStream<Uint8Array>(
    {
      start: watch,
      async pull(stream) {
        clearTimeout(stalled);
        state.pausedAt = undefined;
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
