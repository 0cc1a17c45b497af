/**
 * Versions of services, real servers and the whole configuration, as entity tags. A version is a number that grows with
 * each change that the director tells of, so that asking costs the same however many servers there are.
 *
 * Invariants: a service's version grows with those of its servers; tags of one process are never those of another.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { Director } from '../../director/director.js';
import type { RealServerEvent, VirtualServiceEvent } from '../../director/events.js';
import type { RealServer, VirtualService } from '../../director/virtual-service.js';

export class Versions {
  readonly #director: Director;
  readonly #process = randomBytes(6).toString('base64url');
  readonly #of = new WeakMap<object, number>();
  #last = 0;
  readonly #onService = ({ service }: VirtualServiceEvent) => this.#changed(service);
  readonly #onServer = ({ service, server }: RealServerEvent) => this.#changed(service, server);

  constructor(director: Director) {
    this.#director = director;
    director.on('virtualService', this.#onService);
    director.on('realServer', this.#onServer);
  }

  /** Returns the tag of one service with its servers, or of one server. */
  of(handle: VirtualService | RealServer): string {
    return `"${this.#process}.${this.#of.get(handle) ?? 0}"`;
  }

  /** Returns the tag of all that can be configured: services, marks, timeouts and sysctls. */
  get whole(): string {
    const { marks, stateTimeouts, sysctls } = this.#director;
    // A defence that is automatic reads 1 or 2 as the load has it, which is no change of the configuration.
    const automatic = ['drop_entry', 'drop_packet', 'secure_tcp'].map((name) => [
      name,
      sysctls[name] === 2 ? 1 : sysctls[name],
    ]);
    const settings = JSON.stringify([marks, stateTimeouts, { ...sysctls, ...Object.fromEntries(automatic) }]);
    const hash = createHash('sha256').update(settings).digest('base64url').slice(0, 12);
    return `"${this.#process}.${this.#last}.${hash}"`;
  }

  close(): void {
    this.#director.off('virtualService', this.#onService);
    this.#director.off('realServer', this.#onServer);
  }

  #changed(...handles: object[]): void {
    this.#last += 1;
    for (const handle of handles) this.#of.set(handle, this.#last);
  }
}
