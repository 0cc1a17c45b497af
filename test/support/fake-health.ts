/** What a monitor would say of a director, for those who only look at it. */
import { EventEmitter } from 'node:events';
import type { RealServer, VirtualService } from '../../lib/director/virtual-service.js';
import type { CheckResult, HealthEvents, ServerHealth, ServiceHealth } from '../../lib/health/events.js';
import type { HealthView } from '../../lib/health/view.js';

export const AT = Date.UTC(2026, 0, 2, 12, 3, 11);

/** Says of each service that the servers at these addresses are down. */
export class FakeHealth extends EventEmitter<HealthEvents> implements HealthView {
  readonly down: ReadonlySet<string>;

  /** The addresses of the servers that were to be checked at once. */
  readonly asked: string[] = [];

  readonly #faulty: readonly string[];

  /** `faulty` are those that cannot be checked. */
  constructor(down: readonly string[] = [], faulty: readonly string[] = []) {
    super();
    this.#faulty = faulty;
    this.down = new Set(down);
  }

  of(service: VirtualService): ServiceHealth | undefined {
    if (service.realServers.length === 0) return undefined;
    const servers = service.realServers.map((server) => this.#serverHealth(server));
    const weight = servers.reduce((sum, { isUp }) => sum + Number(isUp), 0);
    return {
      ...{ service, servers, weight, since: AT, isUp: weight > 0, quorum: 1, hysteresis: 0 },
      ...{ isFailOpen: false, isSorry: false },
    };
  }

  checkNow({ address }: RealServer): void {
    this.asked.push(address);
  }

  #serverHealth(server: RealServer): ServerHealth {
    const passed = !this.down.has(server.address);
    const why: Pick<CheckResult, 'message' | 'reason' | 'mend'> & { message: string } = {
      ...{ message: 'http: status 503', reason: 'wrong answer' as const },
      mend: 'Look at the log of the web server.',
    };
    const result: CheckResult = { at: AT, durationMs: 250, passed, ...(passed ? { message: 'status 200' } : why) };
    return {
      ...{ server, isUp: passed, state: passed ? 'up' : 'down', since: AT, isResting: false, ...(!passed && why) },
      ...(this.#faulty.includes(server.address) && { ownFault: 'http: no file descriptor is free' }),
      checks: [
        {
          ...{ name: 'http', kind: 'http', verdict: passed ? 'up' : 'down', against: 0, nextAt: AT + 2000 },
          ...{ passes: 7, failures: passed ? 0 : 3, results: [result] },
        },
      ],
    };
  }
}
