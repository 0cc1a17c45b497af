/** The last results of a check. */
export class Ring<T> {
  readonly #size: number;
  readonly #items: T[] = [];
  #next = 0;

  constructor(size: number) {
    this.#size = size;
  }

  push(item: T): void {
    this.#items[this.#next] = item;
    this.#next = (this.#next + 1) % this.#size;
  }

  /** The newest. */
  get last(): T | undefined {
    return this.#items.at(this.#next - 1);
  }

  /** Returns a copy, the newest first. */
  newestFirst(): T[] {
    const { length } = this.#items;
    return this.#items.map((_, back) => this.#items.at(this.#next - 1 - back) as T).slice(0, length);
  }
}
