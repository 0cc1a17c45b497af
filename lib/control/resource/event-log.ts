/**
 * The last events of a director, numbered, for streams that each read at their own pace.
 *
 * Invariants: an event holds no handle, only names; a reader that falls behind by more than the log holds is told so.
 */
import { randomBytes } from 'node:crypto';
import type { Director } from '../../director/director.js';
import type { VirtualService } from '../../director/virtual-service.js';
import {
  channels,
  type DirectorWarning,
  type RealServerEvent,
  type RoleEvent,
  type VirtualServiceEvent,
} from '../../director/events.js';
import { healthEventNames, healthFields, healthSentences } from '../../health/sentences.js';
import type { HealthSlot } from '../../health/view.js';
import type { EngineEvent } from '../../values/engine-event.js';
import { serverName } from '../../values/server-options.js';
import { serviceId } from './service-id.js';

export interface LoggedEvent {
  /** `PROCESS.NUMBER`. */
  id: string;
  event: 'virtualService' | 'realServer' | 'role' | 'event' | 'warning' | 'health' | 'close' | 'reset';
  data: object;
}

const MOST_EVENTS = 4096;

export class EventLog {
  readonly #process = randomBytes(6).toString('base64url');
  /** Event number n is at n % MOST_EVENTS. */
  readonly #events: LoggedEvent[] = [];
  #next = 1;
  #isClosed = false;
  readonly #waiting = new Set<() => void>();
  readonly #off: (() => void)[] = [];

  constructor(director: Director, health?: HealthSlot) {
    const onService = ({ change, service }: VirtualServiceEvent) =>
      this.#add('virtualService', { change, service: serviceId(service) });
    const onServer = ({ change, service, server }: RealServerEvent) =>
      this.#add('realServer', { change, service: serviceId(service), server: serverName(server) });
    const onWarning = ({ message, about }: DirectorWarning) => this.#add('warning', { message, about });
    const onRole = ({ role, before }: RoleEvent) => this.#add('role', { role, before });
    director.on('virtualService', onService).on('realServer', onServer).on('warning', onWarning).on('role', onRole);
    this.#off.push(() => {
      director
        .off('virtualService', onService)
        .off('realServer', onServer)
        .off('warning', onWarning)
        .off('role', onRole);
    });
    // The channel tells of a lost device too. Listening to 'error' would keep Node from throwing it at the owner.
    const onEngine = (said: unknown) => {
      const { director: whose, type, value, message, things } = said as EngineEvent & { director: unknown };
      if (whose === director) this.#add('event', { type, value, message, ...(things && { things }) });
    };
    channels.event.subscribe(onEngine);
    this.#off.push(() => channels.event.unsubscribe(onEngine));
    if (health) this.#listenTo(health);
    const onClose = () => this.close();
    director.once('close', onClose);
    this.#off.push(() => director.off('close', onClose));
  }

  #listenTo(health: HealthSlot): void {
    for (const about of healthEventNames) {
      const onNews = (news: object) => {
        const fields = healthFields(about, news);
        const { service } = news as { service?: VirtualService };
        // The names are those of the other events.
        const named = service && { service: serviceId(service) };
        this.#add('health', { about, ...fields, ...named, sentence: healthSentences[about](news as never) });
      };
      this.#off.push(health.listen(about, onNews));
    }
  }

  /** The id of the newest event. */
  get lastId(): string {
    return `${this.#process}.${this.#next - 1}`;
  }

  /**
   * Yields events after the one of that id, or from now on; `undefined` when there was none for `heartbeatMs`. It ends
   * when the log is closed or `signal` is aborted.
   */
  after(lastId: string | undefined, heartbeatMs: number, signal: AbortSignal): AsyncGenerator<LoggedEvent | undefined> {
    // What happens from this call on is not missed, whenever the first event is asked for.
    const found = lastId === undefined ? this.#next : this.#numberAfter(lastId);
    return this.#read(found, this.#next, heartbeatMs, signal);
  }

  async *#read(
    found: number | undefined,
    next: number,
    heartbeatMs: number,
    signal: AbortSignal,
  ): AsyncGenerator<LoggedEvent | undefined> {
    let at = found ?? next;
    if (found === undefined) yield this.#reset('the events after that id are gone: read anew what you need');
    while (!signal.aborted) {
      if (at < this.#oldest) {
        at = this.#next;
        yield this.#reset('events came faster than they were read, and some are gone: read anew what you need');
      } else if (at < this.#next) {
        yield this.#events[at % MOST_EVENTS];
        at += 1;
      } else if (this.#isClosed) {
        return;
      } else if (!(await this.#news(heartbeatMs, signal))) {
        yield undefined;
      }
    }
  }

  close(): void {
    if (this.#isClosed) return;
    this.#add('close', {});
    this.#isClosed = true;
    for (const off of this.#off) off();
    this.#wake();
  }

  get #oldest(): number {
    return Math.max(1, this.#next - MOST_EVENTS);
  }

  #numberAfter(id: string): number | undefined {
    const [process, number] = id.split('.');
    if (process !== this.#process || !/^\d{1,15}$/.test(number ?? '')) return undefined;
    const next = Number(number) + 1;
    return next >= this.#oldest && next <= this.#next ? next : undefined;
  }

  #reset(message: string): LoggedEvent {
    return { id: this.lastId, event: 'reset', data: { message } };
  }

  #add(event: LoggedEvent['event'], data: object): void {
    if (this.#isClosed) return;
    this.#events[this.#next % MOST_EVENTS] = { id: `${this.#process}.${this.#next}`, event, data };
    this.#next += 1;
    this.#wake();
  }

  #wake(): void {
    for (const wake of this.#waiting) wake();
  }

  /** Returns whether there is something to look at: an event, the end, or an aborted signal. */
  #news(heartbeatMs: number, signal: AbortSignal): Promise<boolean> {
    return new Promise((resolve) => {
      const settle = (isNews: boolean) => {
        clearTimeout(timer);
        this.#waiting.delete(wake);
        signal.removeEventListener('abort', wake);
        resolve(isNews);
      };
      const wake = () => settle(true);
      const timer = setTimeout(() => settle(false), heartbeatMs);
      timer.unref();
      this.#waiting.add(wake);
      signal.addEventListener('abort', wake);
    });
  }
}
