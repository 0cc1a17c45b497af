/** The source ports of checks: a range of their own, from which each port is used again as late as can be. */

import { CHECK_PORTS } from '../../host/check-routes.js';

export interface PortRange {
  /** [1, 65535] */
  first: number;
  /** [first, 65535] */
  last: number;
}

/** The range lies above the ports that Linux gives to clients unless `ip_local_port_range` was changed. */
export { CHECK_PORTS };

export class SourcePorts {
  /** The free ports, the one that was free for longest first, as a ring. */
  readonly #ring: Uint16Array;
  #begin = 0;
  #free: number;

  constructor({ first, last }: PortRange = CHECK_PORTS) {
    this.#ring = Uint16Array.from({ length: last - first + 1 }, (_, index) => first + index);
    this.#free = this.#ring.length;
  }

  get size(): number {
    return this.#ring.length;
  }

  get free(): number {
    return this.#free;
  }

  /** Returns undefined when all are in use. */
  take(): number | undefined {
    if (this.#free === 0) return undefined;
    const port = this.#ring[this.#begin];
    this.#begin = (this.#begin + 1) % this.#ring.length;
    this.#free -= 1;
    return port;
  }

  /** REQUIRES: the port was taken. */
  giveBack(port: number): void {
    this.#ring[(this.#begin + this.#free) % this.#ring.length] = port;
    this.#free += 1;
  }
}
