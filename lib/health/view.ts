/** A monitor for those who only look at it. It may be made later than they: a configuration may begin to want one. */
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import type { HealthEvents, ServiceHealth } from './events.js';

/** As much of a monitor as listings, metrics and logs use. */
export interface HealthView {
  /** Returns what is known of a service and its servers; undefined for one that is not watched. */
  of(service: VirtualService): ServiceHealth | undefined;
  /** Asks a server at once, by all of its checks. */
  checkNow?(server: RealServer): void;
  /** Stops checking. */
  close?(): Promise<void>;
  /** Calls the listener for each event of this name. */
  on<Name extends keyof HealthEvents>(name: Name, listener: (...event: HealthEvents[Name]) => void): unknown;
  /** Calls it no more. */
  off<Name extends keyof HealthEvents>(name: Name, listener: (...event: HealthEvents[Name]) => void): unknown;
}

/** Holds the monitor of a director once there is one. */
export class HealthSlot {
  #monitor: HealthView | undefined;
  readonly #waiting = new Set<(monitor: HealthView) => void>();

  constructor(monitor?: HealthView) {
    this.#monitor = monitor;
  }

  /** The monitor, once there is one. */
  get monitor(): HealthView | undefined {
    return this.#monitor;
  }

  /** Returns what is known of a service and its servers; undefined for one that is not watched. */
  of(service: VirtualService): ServiceHealth | undefined {
    return this.#monitor?.of(service);
  }

  /** REQUIRES: there is none yet. */
  fill(monitor: HealthView): void {
    this.#monitor = monitor;
    for (const each of this.#waiting) each(monitor);
    this.#waiting.clear();
  }

  /** Listens as soon as there is a monitor. Returns what ends it. */
  listen<Name extends keyof HealthEvents>(name: Name, listener: (...event: HealthEvents[Name]) => void): () => void {
    const begin = (monitor: HealthView) => void monitor.on(name, listener);
    if (this.#monitor) begin(this.#monitor);
    else this.#waiting.add(begin);
    return () => {
      this.#waiting.delete(begin);
      this.#monitor?.off(name, listener);
    };
  }
}
