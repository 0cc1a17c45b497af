/**
 * Keeps keys in etcd for as long as this process lives: they end with a lease, a little after it has ended. A lease that
 * is over, as after an outage, is followed by another with the same keys.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { within } from '../values/within.js';
import type { EtcdClient } from './etcd/client.js';
import { EtcdFailure } from './etcd/failure.js';

export type LeaseClient = Pick<EtcdClient, 'grant' | 'keepAlive' | 'revoke' | 'put'>;

export interface LeaseTimes {
  ttlSeconds: number;
  /** How long a failed try waits before the next, in milliseconds. */
  retryMs: number;
}

/** etcd waits for as long before others take over from a director that was killed. */
const TIMES: LeaseTimes = { ttlSeconds: 10, retryMs: 1_000 };
/** How long the end waits for etcd, in milliseconds. */
const LAST_MS = 1_000;

export class LeaseKeeper {
  readonly #client: LeaseClient;
  readonly #times: LeaseTimes;
  readonly #changed: (lease: string | undefined) => void;
  readonly #over = new AbortController();
  readonly #values = new Map<string, string>();
  readonly #unsaid = new Set<string>();
  #lease: string | undefined;
  #untilMs = 0;
  #wake = new AbortController();
  #keeping: Promise<void> | undefined;

  /** `changed` is told of each new lease, and of undefined when it is over. */
  constructor(
    client: LeaseClient,
    { changed = () => {}, ...times }: Partial<LeaseTimes> & { changed?: (lease: string | undefined) => void } = {},
  ) {
    this.#client = client;
    this.#times = { ...TIMES, ...times };
    this.#changed = changed;
  }

  /** The lease, while it is sure to be there. */
  get lease(): string | undefined {
    return performance.now() < this.#untilMs ? this.#lease : undefined;
  }

  /** Keeps the value at the key from now on; the newest counts. */
  set(key: string, value: string): void {
    if (this.#values.get(key) === value) return;
    this.#values.set(key, value);
    this.#unsaid.add(key);
    this.#wake.abort();
  }

  begin(): void {
    this.#keeping ??= this.#keep();
  }

  /** The keys end with it, if etcd answers soon. */
  async close(): Promise<void> {
    this.#over.abort();
    this.#wake.abort();
    await this.#keeping;
    const lease = this.#lease;
    if (lease === undefined) return;
    this.#lease = undefined;
    const revoked = this.#client.revoke(lease, AbortSignal.timeout(LAST_MS)).catch(() => {
      // It is over in a few seconds by itself.
    });
    await within(LAST_MS, revoked);
  }

  async #keep(): Promise<void> {
    const { signal } = this.#over;
    while (!signal.aborted) {
      // What is set from here on is said in this round or in the next.
      const wake = new AbortController();
      this.#wake = wake;
      let waitMs = (this.#times.ttlSeconds * 1000) / 3;
      let until = AbortSignal.any([signal, wake.signal]);
      try {
        await this.#alive(signal);
        await this.#say(signal);
      } catch (error) {
        if (signal.aborted) break;
        waitMs = this.#times.retryMs * (0.5 + Math.random());
        until = signal;
        if (error instanceof EtcdFailure && /lease not found/.test(error.message)) this.#end();
      }
      if (this.#lease !== undefined && this.lease === undefined) this.#end();
      // It is aborted when there is something to do, or nothing any more.
      await delay(waitMs, undefined, { signal: until, ref: false }).catch(() => {});
    }
  }

  async #alive(signal: AbortSignal): Promise<void> {
    const askedMs = performance.now();
    if (this.#lease !== undefined) {
      const seconds = await this.#client.keepAlive(this.#lease, signal);
      if (seconds > 0) {
        this.#untilMs = askedMs + seconds * 1000;
        return;
      }
      this.#end();
    }
    const { id, ttlSeconds } = await this.#client.grant(this.#times.ttlSeconds, signal);
    this.#lease = id;
    this.#untilMs = askedMs + ttlSeconds * 1000;
    for (const key of this.#values.keys()) this.#unsaid.add(key);
    this.#changed(id);
  }

  async #say(signal: AbortSignal): Promise<void> {
    for (const key of [...this.#unsaid]) {
      const value = this.#values.get(key) as string;
      await this.#client.put(key, value, { lease: this.#lease as string, signal });
      if (this.#values.get(key) === value) this.#unsaid.delete(key);
    }
  }

  #end(): void {
    this.#lease = undefined;
    this.#untilMs = 0;
    this.#changed(undefined);
  }
}
