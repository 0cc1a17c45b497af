/** The sum of what devices of the kernel have counted since a real server was opened. */
import { readDeviceCounters } from '../host/device-counters.js';
import { withJson } from '../values/json.js';

export class KernelCounters {
  readonly #devices: () => readonly string[];
  readonly #atStart: Record<string, bigint>;

  /** `devices` are the names that they have now. */
  constructor(devices: () => readonly string[]) {
    this.#devices = devices;
    this.#atStart = this.#sums();
  }

  counters(): Record<string, bigint> {
    const now = Object.entries(this.#sums());
    return withJson(Object.fromEntries(now.map(([name, value]) => [name, value - (this.#atStart[name] ?? 0n)])));
  }

  #sums(): Record<string, bigint> {
    const sums: Record<string, bigint> = {};
    for (const device of this.#devices()) {
      for (const [name, value] of Object.entries(readDeviceCounters(device) ?? {}))
        sums[name] = (sums[name] ?? 0n) + value;
    }
    return sums;
  }
}
