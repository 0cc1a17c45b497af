/**
 * Watches the names that a configuration has in place of addresses. A name keeps its last answer while DNS fails and
 * while an answer is empty: an empty answer is far more often a zone or a registry that is being restarted than an order
 * to send every client away.
 *
 * Invariant: a name has one question under way or one timer, never both.
 */
import { Limiter } from '../../values/limiter.js';
import { type DnsAnswer, type DnsTarget, Lookup } from './lookup.js';
import type { DnsResolver } from './resolver.js';

/** Tells of a name: once when it fails or has no addresses, and once when that is over. */
export interface DnsNotice {
  /** Says what has begun. */
  kind: 'failing' | 'empty' | 'recovered';
  /** Is the name that was asked for. */
  name: string;
  /** Says all of it in words. */
  sentence: string;
}

export interface DnsTimers {
  /** Calls `run` once; returns a function that prevents it. */
  after(milliseconds: number, run: () => void): () => void;
  /** [0, 1) */
  random(): number;
}

export interface DnsWatchOptions {
  resolver: DnsResolver;
  /** The targets of `name` are others than before. */
  changed: (name: string) => void;
  notice: (notice: DnsNotice) => void;
  timers?: DnsTimers;
}

const AT_A_TIME = 16;
const SHORTEST_MS = 1_000;
/** For a name that fails, that has no records, or whose records come without their TTL, as those of SRV do. */
const UNKNOWN_MS = 30_000;
/** Names that were learned together are not asked together for ever. */
const JITTER = 0.1;

const nodeTimers: DnsTimers = {
  after(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    timer.unref();
    return () => clearTimeout(timer);
  },
  random: Math.random,
};

interface Watched {
  lookup: Lookup;
  refreshMs: number;
  targets: readonly DnsTarget[];
  /** Questions that failed in a row. */
  failed: number;
  trouble: 'failing' | 'empty' | undefined;
  first: Promise<void>;
  cancel: () => void;
  isOver: boolean;
}

export class DnsWatch {
  readonly #options: DnsWatchOptions;
  readonly #timers: DnsTimers;
  readonly #limiter = new Limiter(AT_A_TIME);
  readonly #watched = new Map<string, Watched>();
  #isClosed = false;

  constructor(options: DnsWatchOptions) {
    this.#options = options;
    this.#timers = options.timers ?? nodeTimers;
  }

  /** Watches this name, each at most `refreshMs` after its last answer; resolves with its first answer, or failure. */
  async watch(name: string, refreshMs: number): Promise<void> {
    if (this.#isClosed) return;
    const there = this.#watched.get(name);
    if (there) {
      there.refreshMs = refreshMs;
      return there.first;
    }
    const lookup = new Lookup(name, this.#options.resolver, (call) => this.#limiter.run(call));
    const state = { lookup, refreshMs, targets: [], failed: 0, trouble: undefined, cancel: () => {}, isOver: false };
    const watched: Watched = { ...state, first: Promise.resolve() };
    this.#watched.set(name, watched);
    watched.first = this.#ask(name, watched);
    return watched.first;
  }

  /** Returns what `name` stands for without watching it. */
  async peek(name: string): Promise<readonly DnsTarget[]> {
    const there = this.#watched.get(name);
    if (!there)
      return (await new Lookup(name, this.#options.resolver, (call) => this.#limiter.run(call)).ask()).targets;
    await there.first;
    return there.targets;
  }

  /** Forgets every other name. */
  keepOnly(names: ReadonlySet<string>): void {
    for (const [name, watched] of this.#watched) {
      if (names.has(name)) continue;
      end(watched);
      this.#watched.delete(name);
    }
  }

  /** The last answer that was not empty. */
  targets(name: string): readonly DnsTarget[] {
    return this.#watched.get(name)?.targets ?? [];
  }

  close(): void {
    this.#isClosed = true;
    for (const watched of this.#watched.values()) end(watched);
    this.#watched.clear();
    this.#options.resolver.cancel();
  }

  async #ask(name: string, watched: Watched): Promise<void> {
    const answer = await watched.lookup.ask();
    if (watched.isOver) return;
    this.#judge(name, watched, answer);
    watched.cancel = this.#timers.after(this.#delayMs(watched, answer), () => void this.#ask(name, watched));
    if (answer.targets.length === 0 || isSameTargets(answer.targets, watched.targets)) return;
    watched.targets = answer.targets;
    this.#options.changed(name);
  }

  #judge(name: string, watched: Watched, { failure, targets }: DnsAnswer): void {
    const before = watched.trouble;
    watched.failed = failure === undefined ? 0 : watched.failed + 1;
    watched.trouble = failure !== undefined ? 'failing' : targets.length === 0 ? 'empty' : undefined;
    if (watched.trouble === before) return;
    const kept = watched.targets.length > 0 ? 'its last answer is kept' : 'it has no servers until it answers';
    const sentences = {
      failing: `${name} cannot be resolved (${failure}): ${kept}`,
      empty: `${name} has no addresses in DNS: ${kept}`,
      recovered: `${name} is resolved again`,
    };
    const kind = watched.trouble ?? 'recovered';
    this.#options.notice({ kind, name, sentence: sentences[kind] });
  }

  /** The records' TTL, [1 s, refresh]; after failures 1 s, 2 s, 4 s, and so on. */
  #delayMs({ refreshMs, failed }: Watched, { ttlSeconds, isTtlKnown }: DnsAnswer): number {
    const ttlMs = ttlSeconds === undefined ? UNKNOWN_MS : ttlSeconds * 1_000;
    const wanted = failed > 0 ? SHORTEST_MS * 2 ** (failed - 1) : ttlMs;
    const most = failed > 0 || !isTtlKnown ? Math.min(refreshMs, UNKNOWN_MS) : refreshMs;
    const bounded = Math.min(wanted, most);
    return Math.max(SHORTEST_MS, Math.round(bounded * (1 - JITTER * this.#timers.random())));
  }
}

function end(watched: Watched): void {
  watched.isOver = true;
  watched.cancel();
}

function isSameTargets(left: readonly DnsTarget[], right: readonly DnsTarget[]): boolean {
  const written = (targets: readonly DnsTarget[]) =>
    targets.map(({ address, port, weight }) => `${address} ${port} ${weight}`).join();
  return written(left) === written(right);
}
