/**
 * Follows a range of keys: it is read at one revision, and watched from the next one on. Whatever ends a watch, a reading
 * begins anew.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { RangeAnswer, WatchBatch } from './etcd/answers.js';
import type { EtcdClient } from './etcd/client.js';
import { EtcdFailure } from './etcd/failure.js';

export interface Follower {
  /** The range was read. */
  read(answer: RangeAnswer): void;
  /** Something has changed since, or nothing, when etcd only says that it is there. */
  changed(batch: WatchBatch): void;
  /** etcd does not answer. */
  away(error: Error): void;
}

export interface FollowOptions {
  signal: AbortSignal;
  /** What was read just now, so that the watch goes on behind it. */
  fresh?: Pick<RangeAnswer, 'revision' | 'clusterId'> | undefined;
  /** How long a failed reading waits before the next: from, and to, in milliseconds. */
  retryMs: readonly [number, number];
}

/** Resolves when the signal is aborted. */
export async function follow(
  client: Pick<EtcdClient, 'readAll' | 'watch' | 'turn'>,
  range: { key: string; end: string },
  follower: Follower,
  { signal, fresh, retryMs: [least, most] }: FollowOptions,
): Promise<void> {
  let from = fresh;
  let waitMs = least;
  while (!signal.aborted) {
    try {
      if (from === undefined) {
        const answer = await client.readAll(range, signal);
        from = answer;
        follower.read(answer);
      }
      for await (const batch of client.watch(range, from.revision + 1, signal)) {
        // Another cluster's revisions, or those of one that was restored, say nothing about what is known.
        if (batch.clusterId !== from.clusterId || batch.revision < from.revision) break;
        waitMs = least;
        follower.changed(batch);
      }
    } catch (error) {
      if (signal.aborted) return;
      // To read anew is all that a compaction asks for.
      if (!(error instanceof EtcdFailure && error.kind === 'compacted')) {
        follower.away(error as Error);
        client.turn();
      }
    }
    from = undefined;
    // A hundred directors come back after one outage.
    await delay(waitMs * (0.5 + Math.random()), undefined, { signal, ref: false }).catch(() => {});
    waitMs = Math.min(2 * waitMs, most);
  }
}
