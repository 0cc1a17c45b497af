/** Runs an offline director: its caller moves the time, which goes on with the packets. */
import { native } from '../native/addon.js';
import type { NativePolicyListener } from '../native/director.js';
import type { NativeOffline } from '../native/offline.js';
import { wrapNative } from '../values/errors.js';
import { DirectorEngine } from './director-engine.js';
import { checkedOfflineOptions } from './director-options.js';
import { fullNatOf } from './full-nat-options.js';
import type { OfflineOptions } from './open-options.js';
import type { DirectorParts } from './director-parts.js';
import { checkedPackets, checkedTime, type ProcessResult, processResult } from './offline-director.js';
import { ManualPulse } from './pulse.js';

export class OfflineRun {
  readonly #engine: DirectorEngine<NativeOffline>;
  readonly #pulse: ManualPulse;
  #atMs = 0;

  constructor(engine: DirectorEngine<NativeOffline>, pulse: ManualPulse) {
    this.#engine = engine;
    this.#pulse = pulse;
  }

  /** The time that was reached. */
  get atMs(): number {
    return this.#atMs;
  }

  process(packets: Uint8Array | readonly Uint8Array[], atMs: number | Float64Array): ProcessResult {
    const checked = checkedPackets(packets, atMs, this.#atMs);
    const result = this.#engine.call((engine) => engine.process(checked.packets, checked.timesMs));
    this.#moveTo(checked.timesMs.at(-1) ?? this.#atMs);
    return processResult(result);
  }

  advance(atMs: number): void {
    const checked = checkedTime('advance: atMs', atMs, this.#atMs);
    this.#engine.call((engine) => engine.advance(checked));
    this.#moveTo(checked);
  }

  #moveTo(atMs: number): void {
    this.#atMs = atMs;
    this.#pulse.beat(atMs);
  }
}

/** What an offline director is made of, and what drives it. */
export function offlineParts(options: OfflineOptions): { parts: DirectorParts; run: OfflineRun } {
  const checked = checkedOfflineOptions(options);
  const { sources } = checked.native;
  const local = checked.localAddresses.map((address) => ({ address }));
  const pulse = new ManualPulse();
  const offline = wrapNative(() => new native.Offline(checked.native));
  const engine = new DirectorEngine(offline);
  const run = new OfflineRun(engine, pulse);
  const policies = (answer: NativePolicyListener) => wrapNative(() => offline.onPolicies(answer));
  const parts = {
    engine,
    sources,
    pulse,
    localAddresses: () => local,
    nowMs: () => run.atMs,
    policies,
    fullNat: fullNatOf(checked.native),
    workerCpu: () => [],
    workersTurned: () => [],
  };
  return { parts, run };
}
