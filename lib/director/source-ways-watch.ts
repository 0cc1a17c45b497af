/** Looks now and then whether packets to full NAT's sources still come to the device. */
import type { DirectorWatch } from './director-watch.js';
import type { Pulse } from './pulse.js';

const LOOK_INTERVAL_MS = 5000;

/** Looks until the signal is aborted, one look at a time. */
export function watchSourceWays(
  pulse: Pick<Pulse, 'every'>,
  watch: Pick<DirectorWatch, 'lookAtSources'>,
  signal: AbortSignal,
): void {
  let isLooking = false;
  const stop = pulse.every(LOOK_INTERVAL_MS, () => {
    if (isLooking) return;
    isLooking = true;
    void watch.lookAtSources(signal).finally(() => {
      isLooking = false;
    });
  });
  signal.addEventListener('abort', stop, { once: true });
}
