/**
 * Decapsulates tunnel packets in user space: sockets receive them, and a TUN device delivers the inner packets. A program
 * in the kernel may do so for most of them.
 */
import { native } from '../native/addon.js';
import type { NativeDecapsulator } from '../native/decapsulator.js';
import { wrapNative, wrapOption } from '../values/errors.js';
import { withJson } from '../values/json.js';
import type { CheckedRealServer } from './real-server-options.js';

/** The interval at which the decapsulator is checked for failure. */
const LOOK_INTERVAL_MS = 500;

export class Decapsulator {
  readonly #native: NativeDecapsulator;
  #look: NodeJS.Timeout | undefined;

  constructor({ device, directors, virtualAddresses, methods, guePorts, offloads, mode }: CheckedRealServer) {
    const options = {
      device,
      directors: [...directors],
      virtualAddresses: [...virtualAddresses],
      encapsulations: [...methods],
      guePorts: [...guePorts],
      usesOffloads: offloads === 'auto',
      usesProgram: mode === 'bpf',
    };
    // All other options were checked before.
    this.#native = wrapOption('device', () => new native.Decapsulator(options));
  }

  get device(): string {
    return this.#native.device;
  }

  /** The counts by what became of each packet. */
  counters(): Record<string, bigint> {
    const values = new BigUint64Array(native.decapCounters.length);
    wrapNative(() => this.#native.readCounters(values));
    return withJson(Object.fromEntries(native.decapCounters.map((name, index) => [name, values[index] ?? 0n])));
  }

  /** Calls `failed` with the reason at every check that finds a failure, until unwatch(); keeps no process alive. */
  watch(failed: (reason: string) => void): void {
    this.#look = setInterval(() => {
      const { failure } = this.#native;
      if (failure !== '') failed(failure);
    }, LOOK_INTERVAL_MS).unref();
  }

  unwatch(): void {
    clearInterval(this.#look);
  }

  close(): void {
    this.unwatch();
    this.#native.close();
  }
}
