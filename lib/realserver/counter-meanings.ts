/** What a real server's host counts in userspace mode. */
import { native } from '../native/addon.js';
import { meaningsOf } from '../stats/counter-meanings.js';
import type { RealServerCounterName } from '../stats/counter-names.js';

/** What each counter of a {@link RealServerHost} in userspace mode counts, by the names in `stats().counters`. */
export const realServerCounterMeanings = meaningsOf<RealServerCounterName>(
  native.decapCounters,
  native.decapCounterInfos,
);
