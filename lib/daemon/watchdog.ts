/** Feeds the service manager's watchdog for as long as every worker moves. */
import type { Director } from '../director/director.js';
import type { Attachment } from './daemon.js';
import type { Log } from './log.js';
import type { ServiceManager } from './service-manager.js';

/** systemd wants to hear twice in its time. */
const MEALS = 2;
/** A worker answers within milliseconds, and is asked this often in between. */
const LOOKS = 4;

/**
 * A worker that has not begun a turn since the last look is asked again at the next one. If one has not by the time of a
 * meal, there is none.
 */
export function feedWatchdog(manager: ServiceManager, log?: Log): Attachment {
  return ({ director }) => {
    const { watchdogMs } = manager;
    if (watchdogMs === undefined) return {};
    const feeding = new Feeding(director, manager, log);
    const timer = setInterval(() => feeding.look(), watchdogMs / MEALS / LOOKS);
    // Starting may take long, and a director that is not ready is watched by systemd's other limit.
    return { ready: () => feeding.look(), detach: () => clearInterval(timer) };
  };
}

export class Feeding {
  #looks = 0;
  /** Workers that have turned since the last meal. */
  readonly #turned = new Set<number>();
  #isHeld = false;

  constructor(
    private readonly director: Pick<Director, 'workersTurned'>,
    private readonly manager: Pick<ServiceManager, 'watchdog'>,
    private readonly log?: Pick<Log, 'error' | 'info'>,
  ) {}

  look(): void {
    const turned = this.director.workersTurned();
    for (const [worker, hasTurned] of turned.entries()) if (hasTurned) this.#turned.add(worker);
    this.#looks = (this.#looks + 1) % LOOKS;
    if (this.#looks !== 0) return;
    const held = [...turned.keys()].filter((worker) => !this.#turned.has(worker));
    this.#turned.clear();
    if (held.length === 0) this.manager.watchdog();
    if (held.length > 0 && !this.#isHeld)
      this.log?.error('workerHeld', { workers: held }, 'a worker does not move, so the watchdog is not fed');
    if (held.length === 0 && this.#isHeld) this.log?.info('workerMoves', {}, 'every worker moves again');
    this.#isHeld = held.length > 0;
  }
}
