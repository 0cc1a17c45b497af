/** Drains that were begun here, each with its deadline; a server may be drained from elsewhere as well. */
import type { RealServer } from '../../director/virtual-service.js';
import { serverName } from '../../values/server-options.js';
import type { DoorLog } from '../door/door.js';
import type { DrainJson } from '../schema/director.js';
import { serviceId } from './service-id.js';

interface Begun {
  seconds: number | undefined;
  beganAtMs: number;
  stop: AbortController;
  ended: number | undefined;
}

export class Drains {
  readonly #begun = new WeakMap<RealServer, Begun>();
  readonly #log: Pick<DoorLog, 'warn'> | undefined;

  constructor(log: Pick<DoorLog, 'warn'> | undefined) {
    this.#log = log;
  }

  /** Begins a drain, or gives the one that goes on another deadline. */
  begin(server: RealServer, seconds: number | undefined): void {
    const stop = new AbortController();
    const before = this.#begun.get(server);
    const { signal } = stop;
    const ending = server.drain(seconds === undefined ? { signal } : { deadlineMs: seconds * 1000, signal });
    before?.stop.abort();
    const begun: Begun = { seconds, beganAtMs: Date.now(), stop, ended: undefined };
    this.#begun.set(server, begun);
    const name = `${serviceId(server.service)} ${serverName(server)}`;
    ending.then(
      ({ ended }) => {
        begun.ended = ended;
      },
      (error: Error) => {
        // Taken back, deleted, closed, or replaced: whoever did so knows.
        if (!stop.signal.aborted) this.#log?.warn('drainEnded', { server: name }, `${name}: ${error.message}`);
      },
    );
  }

  abandon(server: RealServer): void {
    this.#begun.get(server)?.stop.abort();
    this.#begun.delete(server);
    server.undrain();
  }

  of(server: RealServer): DrainJson {
    const { isDraining } = server;
    const { activeConnections, inactiveConnections } = server.stats();
    const connections = activeConnections + inactiveConnections;
    const begun = isDraining ? this.#begun.get(server) : undefined;
    return {
      service: serviceId(server.service),
      server: serverName(server),
      isDraining,
      connections,
      isDone: isDraining && connections === 0,
      ...(begun && { beganAt: new Date(begun.beganAtMs).toISOString() }),
      ...(begun?.seconds !== undefined && { seconds: begun.seconds }),
      ...(begun?.ended !== undefined && { ended: begun.ended }),
    };
  }
}
