/** What is wanted of a host whose parts are held; a watch adds its devices, and what it sees. */
import type { HeldParts, MissingStep } from './held-parts.js';
import type { Wanted } from './host-keeper.js';
import type { SnapshotHost } from './snapshot.js';

type Parts = Pick<HeldParts, 'generation' | 'prepare' | 'missing' | 'putBack' | 'takeBackStale'>;

export abstract class PartsWatch implements Wanted {
  readonly #parts: Parts;

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  abstract get devices(): readonly string[];

  abstract see(snapshot: SnapshotHost): void;

  get generation(): number {
    return this.#parts.generation;
  }

  prepare(snapshot: SnapshotHost): Promise<void> {
    return this.#parts.prepare(snapshot);
  }

  missing(snapshot: SnapshotHost): MissingStep[] {
    return this.#parts.missing(snapshot);
  }

  putBack(missing: readonly MissingStep[]): (Error | undefined)[] {
    return this.#parts.putBack(missing);
  }

  takeBackStale(snapshot: SnapshotHost): void {
    this.#parts.takeBackStale(snapshot);
  }
}
