/** Puts into force what follows from checks: all that has changed in one turn of the event loop in one transaction. */
import type { Director } from '../director/director.js';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import type { HealthCondition } from '../values/health-condition.js';
import { type TunvsError, toTunvsError } from '../values/errors.js';
import type { Agenda, Entry } from './agenda.js';
import type { CheckedService, Draft, News } from './checked-service.js';
import type { Clock } from './clock.js';

type Conditions = ReadonlyMap<RealServer, HealthCondition | undefined>;

export interface Consequences {
  /** Is called before changes of a turn come into force. */
  prepare(): void;
  /** Tells what is in force. */
  announce(service: CheckedService, news: News): void;
  /** The changes are refused, and are tried again. */
  failed(error: TunvsError): void;
}

/** The milliseconds until what could not be put into force is tried again. */
const AGAIN_MS = 1000;

export class Changes {
  readonly #director: Director;
  readonly #clock: Clock;
  readonly #agenda: Agenda;
  readonly #consequences: Consequences;
  readonly #changed = new Set<CheckedService>();
  #again: Entry | undefined;
  #isPlanned = false;
  #isClosed = false;
  #isApplying = false;
  /** The servers that health itself edits now, and whose news has not come yet. */
  readonly #own = new Set<RealServer>();

  constructor(director: Director, clock: Clock, agenda: Agenda, consequences: Consequences) {
    this.#director = director;
    this.#clock = clock;
    this.#agenda = agenda;
    this.#consequences = consequences;
  }

  /** Whether changes come into force just now. */
  get isApplying(): boolean {
    return this.#isApplying;
  }

  /** Takes the news that a server was edited; says whether health has done it. Each edit has its news once. */
  takeOwn(server: RealServer): boolean {
    return this.#own.delete(server);
  }

  /** The service is to be decided about at the end of this turn. */
  add(service: CheckedService): void {
    this.#changed.add(service);
    this.#plan();
  }

  forget(service: CheckedService): void {
    this.#changed.delete(service);
    this.#plan();
  }

  close(): void {
    this.#isClosed = true;
    this.#changed.clear();
  }

  /** Puts into force now what follows from all that has changed; then tells it. */
  flush(): void {
    const drafts: [CheckedService, Draft][] = [];
    for (const each of this.#changed)
      if (each.service.configuration.isConfigured(each.service)) drafts.push([each, each.draft()]);
    this.#changed.clear();
    try {
      this.apply(drafts.map(([{ service }, { changes }]) => [service, changes]));
    } catch (error) {
      this.#tryAgain(drafts, error);
      return;
    }
    for (const [, draft] of drafts) draft.keep();
    for (const [checked] of drafts) checked.service.applyQuorum(checked.decideAnnouncement());
    for (const [service, { news }] of drafts) for (const each of news) this.#consequences.announce(service, each);
  }

  apply(all: readonly (readonly [VirtualService, Conditions])[]): void {
    const changing = all.filter(([, changes]) => changes.size > 0);
    if (changing.length === 0) return;
    this.#isApplying = true;
    for (const [, changes] of changing) for (const server of changes.keys()) this.#own.add(server);
    try {
      this.#director.transaction(() => {
        for (const [service, changes] of changing) service.applyHealth(changes);
      });
    } finally {
      this.#isApplying = false;
      this.#own.clear();
    }
  }

  #plan(): void {
    if (this.#isPlanned || this.#isClosed) return;
    this.#isPlanned = true;
    this.#clock.soon(() => {
      this.#isPlanned = false;
      if (this.#isClosed) return;
      this.#consequences.prepare();
      this.flush();
    });
  }

  #tryAgain(drafts: readonly [CheckedService, Draft][], error: unknown): void {
    if (toTunvsError(error).code === 'ERR_TUNVS_CLOSED') return;
    for (const [service, draft] of drafts) {
      draft.drop();
      this.#changed.add(service);
    }
    // One at a time: each that is refused again plans the next one.
    this.#agenda.cancel(this.#again);
    this.#again = this.#agenda.at(this.#clock.nowMs() + AGAIN_MS, () => this.flush());
    this.#consequences.failed(toTunvsError(error));
  }
}
