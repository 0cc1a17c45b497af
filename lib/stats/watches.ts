/** The watches of a director that are not over yet. */
import { Watch, type WatchOptions, type WatchBacking } from './watch.js';

export class Watches {
  readonly #backing: Omit<WatchBacking, 'ended'>;
  readonly #open = new Set<Watch>();

  constructor(backing: Omit<WatchBacking, 'ended'>) {
    this.#backing = backing;
  }

  begin(options: WatchOptions): Watch {
    const watch = new Watch(options, { ...this.#backing, ended: (over) => this.#open.delete(over) });
    this.#open.add(watch);
    return watch;
  }

  /** Ends all of them. */
  close(): void {
    for (const watch of [...this.#open]) watch.close();
  }
}
