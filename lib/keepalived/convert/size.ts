/** Bounds what comes of a configuration: a few lines of groups and loops can ask for millions of services. */
import type { Place, Said } from '../language/place.js';

export const MOST_SERVICES = 4096;
export const MOST_SERVERS = 8192;
/** Addresses and ranges of all groups. */
export const MOST_MEMBERS = 16_384;

export class Size {
  readonly #said: Said;
  #services = 0;
  #servers = 0;
  #members = 0;

  constructor(said: Said) {
    this.#said = said;
  }

  /** Counts services, each with so many real servers. */
  services(place: Place, services: number, servers: number): void {
    this.#services += services;
    this.#servers += services * servers;
    const mend = 'write ranges of addresses, or divide the services among directors';
    if (this.#services > MOST_SERVICES)
      this.#said.stop(place, `here the services become more than ${MOST_SERVICES}`, mend);
    if (this.#servers > MOST_SERVERS)
      this.#said.stop(place, `here the real servers of all services become more than ${MOST_SERVERS}`, mend);
  }

  members(place: Place, count: number): void {
    this.#members += count;
    if (this.#members > MOST_MEMBERS)
      this.#said.stop(
        place,
        `here the addresses and ranges of groups become more than ${MOST_MEMBERS}`,
        'write prefixes, as in 192.0.2.0/24, or divide the services among directors',
      );
  }
}
