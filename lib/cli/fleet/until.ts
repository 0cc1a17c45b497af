/** Looks at a fleet again and again until something is so. */
import { setTimeout as delay } from 'node:timers/promises';
import type { FleetView } from '../../fleet/overview.js';
import { TunvsError } from '../../values/errors.js';
import type { Wishes } from './wishes.js';

export interface UntilOptions {
  signal: AbortSignal;
  timeoutMs: number;
  /** How often it looks. */
  pollMs: number;
}

/**
 * `look` returns what is still missing, or undefined when nothing is. While etcd does not answer, it is asked again.
 *
 * @throws the reason of the signal; a {@link TunvsError} that says what is missing when the time has passed.
 */
export async function until(
  wishes: Pick<Wishes, 'read'>,
  look: (view: FleetView) => string | undefined,
  { signal, timeoutMs, pollMs }: UntilOptions,
): Promise<FleetView> {
  const endMs = performance.now() + timeoutMs;
  while (true) {
    let missing: string | undefined;
    let cause: unknown;
    try {
      const view = await wishes.read(signal);
      missing = look(view);
      if (missing === undefined) return view;
    } catch (error) {
      signal.throwIfAborted();
      missing = (error as Error).message;
      cause = error;
    }
    if (performance.now() > endMs)
      throw new TunvsError('ERR_TUNVS_SYSTEM', `after ${timeoutMs / 1000} s ${missing}`, { cause });
    await delay(pollMs, undefined, { signal }).catch(() => signal.throwIfAborted());
  }
}
