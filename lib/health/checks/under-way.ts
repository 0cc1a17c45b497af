/** What native threads have under way for checks, by numbers. It keeps the process alive, as sockets of Node do. */
import { MAX_INT32 } from '../../values/options.js';

export class UnderWay<T> {
  readonly #told = new Map<number, (outcome: T) => void>();
  #holding: NodeJS.Timeout | undefined;

  /** Something of this number has begun; `told` is called once with its outcome, unless it is forgotten before. */
  add(number: number, told: (outcome: T) => void): void {
    this.#told.set(number, told);
    this.#holding ??= setInterval(() => {}, MAX_INT32);
  }

  /** The outcome has come. */
  end(number: number, outcome: T): void {
    const told = this.#told.get(number);
    this.forget(number);
    told?.(outcome);
  }

  forget(number: number): void {
    this.#told.delete(number);
    if (this.#told.size > 0) return;
    clearInterval(this.#holding);
    this.#holding = undefined;
  }
}
