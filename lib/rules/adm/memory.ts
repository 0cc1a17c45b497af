/** Remembers answers for a while, and asks no more than some questions at once. */
import { Limiter } from '../../values/limiter.js';

interface Remembered<T> {
  answer: Promise<T | undefined>;
  untilMs: number;
}

export class Memory<T> {
  readonly #answers = new Map<string, Remembered<T>>();
  readonly #limiter: Limiter;

  constructor(
    /** The number of questions at once. */
    parallel: number,
    /** The number of answers that are kept; the oldest goes first. */
    private readonly capacity: number,
    private readonly keptMs: number,
    /** A question that has waited longer for its turn is not asked. */
    private readonly patienceMs: number,
  ) {
    this.#limiter = new Limiter(parallel);
  }

  /** Returns what is remembered, or else asks. A question that fails has no answer. */
  get(key: string, question: () => Promise<T | undefined>): Promise<T | undefined> {
    const known = this.#answers.get(key);
    if (known && performance.now() < known.untilMs) return known.answer;
    this.#answers.delete(key);
    const answer = this.#ask(key, question);
    this.#answers.set(key, { answer, untilMs: performance.now() + this.keptMs });
    const [oldest] = this.#answers.keys();
    if (this.#answers.size > this.capacity && oldest !== undefined) this.#answers.delete(oldest);
    return answer;
  }

  async #ask(key: string, question: () => Promise<T | undefined>): Promise<T | undefined> {
    const sinceMs = performance.now();
    try {
      return await this.#limiter.run(async () => {
        if (performance.now() - sinceMs <= this.patienceMs) return question();
        // Whoever wanted to know is gone: it is asked when somebody wants it again.
        this.#answers.delete(key);
        return undefined;
      });
    } catch {
      // A number needs no name.
      return undefined;
    }
  }
}
