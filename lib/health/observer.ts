/** Reads, once in each period, what the traffic of servers tells. */
import type { RealServer } from '../director/virtual-service.js';
import type { Agenda, Entry } from './agenda.js';
import type { CheckedService } from './checked-service.js';
import type { Clock } from './clock.js';
import type { PassiveSignals } from './rules/observe.js';

export class Observer {
  readonly #agenda: Agenda;
  readonly #clock: Clock;
  readonly #signals: (server: RealServer) => PassiveSignals | undefined;
  readonly #followed = new Map<CheckedService, Entry>();

  constructor(agenda: Agenda, clock: Clock, signals: (server: RealServer) => PassiveSignals | undefined) {
    this.#agenda = agenda;
    this.#clock = clock;
    this.#signals = signals;
  }

  /** Follows the service as its rules say now. */
  follow(service: CheckedService): void {
    this.leave(service);
    const { observe } = service.rules;
    if (observe === undefined) return;
    const atMs = this.#clock.nowMs() + observe.periodMs;
    this.#followed.set(
      service,
      this.#agenda.at(atMs, () => this.#read(service)),
    );
  }

  leave(service: CheckedService): void {
    this.#agenda.cancel(this.#followed.get(service));
    this.#followed.delete(service);
  }

  close(): void {
    this.#followed.clear();
  }

  #read(service: CheckedService): void {
    for (const [server, checked] of service.servers) {
      if (checked === undefined || checked.isResting || !service.service.isConfigured(server)) continue;
      const signals = this.#signals(server);
      if (signals) checked.observe(signals);
    }
    this.follow(service);
  }
}
