/** What a real server wants of its host over time, and how it follows its devices. */
import type { HeldParts } from '../host/held-parts.js';
import type { HostEvent } from '../host/host-event.js';
import { PartsWatch } from '../host/parts-watch.js';
import type { SnapshotHost } from '../host/snapshot.js';

export interface RealServerWatchBacking {
  report(event: HostEvent): void;
  /** A device of ours that is gone for good: the kernel does not make it again. Undefined while all are there. */
  lost: ((reason: string) => void) | undefined;
}

export class RealServerWatch extends PartsWatch {
  readonly #parts: HeldParts;
  readonly #devices: DeviceNames;
  readonly #backing: RealServerWatchBacking;

  constructor(parts: HeldParts, devices: DeviceNames, backing: RealServerWatchBacking) {
    super(parts);
    this.#parts = parts;
    this.#devices = devices;
    this.#backing = backing;
  }

  get devices(): readonly string[] {
    return this.#devices.names;
  }

  see(snapshot: SnapshotHost): void {
    for (const [before, now] of this.#parts.follow(snapshot)) {
      if (!this.#devices.rename(before, now)) continue;
      const message = `device ${before} was renamed to ${now}; the real server goes on with it under the new name`;
      this.#backing.report({ type: 'deviceRenamed', value: 1, message, things: [before, now] });
    }
    const gone = this.#devices.names.find((name) => snapshot.link(name) === undefined);
    if (gone !== undefined)
      this.#backing.lost?.(`the device ${gone} is gone: it was deleted, or moved to another network namespace`);
  }
}

/** The names that a real server's devices have now, in the order in which they were opened. */
export class DeviceNames {
  #names: readonly string[];

  constructor(names: readonly string[]) {
    this.#names = names;
  }

  get names(): readonly string[] {
    return this.#names;
  }

  /** Returns false when no device has that name. */
  rename(before: string, now: string): boolean {
    if (!this.#names.includes(before)) return false;
    this.#names = this.#names.map((name) => (name === before ? now : name));
    return true;
  }
}
