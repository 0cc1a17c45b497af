/** Follows the configuration below a prefix. What was known stays until another is known. */
import type { Change, WatchBatch } from './etcd/answers.js';
import type { EtcdClient } from './etcd/client.js';
import { follow, type Follower } from './follow.js';
import type { Layout } from './layout.js';
import { isSameConfiguration, type Snapshot, snapshotOf, withChanges } from './snapshot.js';

export interface SourceEvents {
  /** The configuration is another one, or is known for the first time. */
  changed(snapshot: Snapshot): void;
  /** The directors that are to be drained are others. */
  drains(snapshot: Snapshot): void;
  /** Told once, when etcd does not answer; what is in force stays. */
  away(error: Error): void;
  /** Told once, when it answers again. */
  back(snapshot: Snapshot): void;
}

export interface SourceTimes {
  /** Changes that come so soon after each other are one, in milliseconds. */
  quietMs: number;
  /** But they wait no longer than this. */
  longestMs: number;
  /** How long a failed reading waits before the next: from, and to, in milliseconds. */
  retryMs: readonly [number, number];
}

/** Milliseconds. */
const GATHER_MS = 5;

const TIMES: SourceTimes = { quietMs: 50, longestMs: 1_000, retryMs: [200, 5_000] };

export class FleetSource {
  readonly #client: Pick<EtcdClient, 'readAll' | 'watch' | 'turn'>;
  readonly #layout: Layout;
  readonly #events: SourceEvents;
  readonly #times: SourceTimes;
  readonly #over = new AbortController();
  #known: Snapshot | undefined;
  /** What was told last. */
  #told: Snapshot | undefined;
  #isAway = false;
  #turnedAtMs = Date.now();
  #gathered: { revision: number; changes: Change[] } | undefined;
  #soon: NodeJS.Timeout | undefined;
  #sinceMs = 0;
  #following: Promise<void> | undefined;

  constructor(
    client: Pick<EtcdClient, 'readAll' | 'watch' | 'turn'>,
    layout: Layout,
    events: SourceEvents,
    times: Partial<SourceTimes> = {},
  ) {
    this.#client = client;
    this.#layout = layout;
    this.#events = events;
    this.#times = { ...TIMES, ...times };
  }

  /** Whether etcd answered last. */
  get isConnected(): boolean {
    return this.#following !== undefined && !this.#isAway;
  }

  /** Since when it does, or does not, in milliseconds since 1970. */
  get turnedAtMs(): number {
    return this.#turnedAtMs;
  }

  /** What is known now, which may not be told yet. */
  get known(): Snapshot | undefined {
    return this.#known;
  }

  /** Reads the configuration once. */
  async read(signal?: AbortSignal): Promise<Snapshot> {
    return snapshotOf(this.#layout, await this.#client.readAll(this.#layout.configuration, signal));
  }

  /**
   * Follows the configuration from now on. What differs from `known` is told; with `isFresh` that was read just now, and
   * the watch goes on behind it.
   */
  begin(known: Snapshot | undefined, { isFresh = false } = {}): void {
    [this.#known, this.#told] = [known, known];
    this.#turn(!isFresh);
    const follower: Follower = {
      read: (answer) => {
        // What came before is part of it, or of another cluster's past.
        this.#gathered = undefined;
        this.#take(snapshotOf(this.#layout, answer));
      },
      changed: (batch) => {
        this.#tellBack(this.#known as Snapshot);
        this.#gather(batch);
      },
      away: (error) => this.#tellAway(error),
    };
    this.#following = follow(this.#client, this.#layout.configuration, follower, {
      ...{ signal: this.#over.signal, retryMs: this.#times.retryMs },
      fresh: isFresh ? known : undefined,
    });
  }

  async close(): Promise<void> {
    this.#over.abort();
    clearTimeout(this.#soon);
    await this.#following;
  }

  #tellAway(error: Error): void {
    if (this.#isAway) return;
    this.#turn(true);
    this.#events.away(error);
  }

  #tellBack(snapshot: Snapshot): void {
    if (!this.#isAway) return;
    this.#turn(false);
    this.#events.back(snapshot);
  }

  #turn(isAway: boolean): void {
    [this.#isAway, this.#turnedAtMs] = [isAway, Date.now()];
  }

  /** A thousand keys that are put one by one come in as many batches, and to go through all keys takes its time. */
  #gather({ revision, changes }: WatchBatch): void {
    if (this.#gathered) {
      this.#gathered.revision = revision;
      for (const each of changes) this.#gathered.changes.push(each);
      return;
    }
    const gathered = { revision, changes: [...changes] };
    this.#gathered = gathered;
    setTimeout(() => {
      if (this.#gathered !== gathered || this.#over.signal.aborted) return;
      this.#gathered = undefined;
      this.#take(withChanges(this.#layout, this.#known as Snapshot, gathered));
    }, GATHER_MS);
  }

  #take(snapshot: Snapshot): void {
    const before = this.#known;
    this.#known = snapshot;
    if (before === undefined || !isSameMap(before.drains, snapshot.drains)) this.#events.drains(snapshot);
    if (this.#told && isSameConfiguration(this.#told, snapshot)) {
      // Taken back before it was told.
      clearTimeout(this.#soon);
      this.#soon = undefined;
      return;
    }
    if (this.#soon !== undefined && before && isSameConfiguration(before, snapshot)) return;
    const nowMs = performance.now();
    if (this.#soon === undefined) this.#sinceMs = nowMs;
    clearTimeout(this.#soon);
    const left = this.#sinceMs + this.#times.longestMs - nowMs;
    this.#soon = setTimeout(() => this.#tell(), Math.max(0, Math.min(this.#times.quietMs, left)));
  }

  #tell(): void {
    this.#soon = undefined;
    this.#told = this.#known;
    this.#events.changed(this.#known as Snapshot);
  }
}

function isSameMap(a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean {
  return a.size === b.size && [...a].every(([key, value]) => b.get(key) === value);
}
