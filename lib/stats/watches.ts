/** The watches of a director that are not over yet. */
import { Watch, type WatchOptions, type WatchPorts } from './watch.js';

export class Watches {
  readonly #ports: Omit<WatchPorts, 'ended'>;
  readonly #open = new Set<Watch>();

  constructor(ports: Omit<WatchPorts, 'ended'>) {
    this.#ports = ports;
  }

  begin(options: WatchOptions): Watch {
    const watch = new Watch(options, { ...this.#ports, ended: (over) => this.#open.delete(over) });
    this.#open.add(watch);
    return watch;
  }

  /** Ends all of them. */
  close(): void {
    for (const watch of [...this.#open]) watch.close();
  }
}
