/** What a real server's host counts in userspace mode. */
import { native } from '../native/addon.js';
import { meaningsOf } from '../stats/counter-meanings.js';
import type { RealServerCounterName } from '../stats/counter-names.js';

/** By the names in `stats().counters` of a RealServerHost in userspace mode, in their order. */
export const realServerCounterMeanings = meaningsOf<RealServerCounterName>(
  native.decapCounters,
  native.decapCounterInfos,
);
