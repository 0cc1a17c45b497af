/** All probes. Equal ones run once for all who go by them. */
import { serviceName } from '../values/service-key.js';
import { Probe, type ProbeOptions, type ProbeParts, type Subscriber } from './probe.js';
import { type CheckState, UNKNOWN } from './rules/check-state.js';
import { timingKey } from './timing.js';

let lastSerial = 0;
const serials = new WeakMap<object, number>();

function serialOf(of: object): number {
  const known = serials.get(of);
  if (known !== undefined) return known;
  lastSerial += 1;
  serials.set(of, lastSerial);
  return lastSerial;
}

/** Probes with the same key ask the same thing at the same times. */
export function probeKey({ check, timing, isAgent, virtualAddress, server }: ProbeOptions): string {
  const { identity, needsWay } = check;
  const what = identity ?? `#${serialOf(check)}`;
  // By its own address a server is the same in every service; by the virtual address the service is part of the way.
  const isOwn = needsWay && timing.via !== 'address';
  const way = isOwn ? [serviceName(server.service), virtualAddress, server.forwarding].join(' ') : '';
  return [server.address, server.port, way, what, isAgent, timingKey(timing)].join('\n');
}

export class Prober {
  readonly #parts: ProbeParts;
  readonly #probes = new Map<string, Probe>();
  readonly #resting = new Map<Probe, Set<Subscriber>>();

  constructor(parts: ProbeParts) {
    this.#parts = parts;
  }

  get size(): number {
    return this.#probes.size;
  }

  /** Goes by the probe that there is, or begins one in this state. */
  subscribe(subscriber: Subscriber, options: ProbeOptions, state: CheckState = UNKNOWN): Probe {
    const key = probeKey(options);
    const before = this.#probes.get(key);
    const probe = before ?? new Probe(key, options, state, this.#parts);
    probe.subscribers.add(subscriber);
    if (before) this.resume(subscriber, probe);
    else {
      this.#probes.set(key, probe);
      this.#parts.wheel.add(probe);
    }
    return probe;
  }

  /** Ends the probe with its last subscriber. */
  unsubscribe(subscriber: Subscriber, probe: Probe): void {
    probe.subscribers.delete(subscriber);
    this.#resting.get(probe)?.delete(subscriber);
    if (probe.subscribers.size > 0) return this.#restIfAllDo(probe);
    this.#parts.wheel.remove(probe);
    this.#resting.delete(probe);
    this.#parts.ownFaults.take(probe, undefined);
    this.#probes.delete(probe.key);
  }

  /** A probe rests when all who go by it let it. */
  rest(subscriber: Subscriber, probe: Probe): void {
    const resting = this.#resting.get(probe) ?? new Set();
    resting.add(subscriber);
    this.#resting.set(probe, resting);
    this.#restIfAllDo(probe);
  }

  resume(subscriber: Subscriber, probe: Probe): void {
    this.#resting.get(probe)?.delete(subscriber);
    this.#parts.wheel.resume(probe);
  }

  #restIfAllDo(probe: Probe): void {
    const resting = this.#resting.get(probe)?.size ?? 0;
    if (resting > 0 && resting === probe.subscribers.size) this.#parts.wheel.rest(probe);
  }
}
