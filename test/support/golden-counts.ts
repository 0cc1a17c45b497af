/** The counts that the recorded listings show, by service and by server. */
import type { GoldenCounts } from './golden-services.js';

const WEB = '-t 192.168.50.100:80';
const TLS = '-t 192.168.50.100:443';
const DNS = '-u 192.168.50.100:53';

export const CONNECTIONS: Record<string, GoldenCounts> = {
  [`${WEB} 10.0.0.11:80`]: { active: 7, inactive: 3 },
  [`${WEB} 10.0.0.12:80`]: { active: 5, inactive: 1 },
  [`${TLS} 10.0.0.11:443`]: { active: 3, inactive: 1 },
  [`${TLS} 10.0.0.12:443`]: { active: 3, inactive: 1 },
};

export const RATES: Record<string, GoldenCounts> = {
  [WEB]: { traffic: [1, 3, 0, 169, 0] },
  [`${WEB} 10.0.0.11:80`]: { traffic: [1, 2, 0, 112, 0] },
  [`${WEB} 10.0.0.12:80`]: { traffic: [0, 1, 0, 56, 0] },
  [TLS]: { traffic: [1, 1, 0, 84, 0] },
  [`${TLS} 10.0.0.11:443`]: { traffic: [0, 1, 0, 42, 0] },
  [`${TLS} 10.0.0.12:443`]: { traffic: [0, 1, 0, 42, 0] },
  [DNS]: { traffic: [2, 2, 0, 67, 0] },
  [`${DNS} 10.0.0.11:53`]: { traffic: [1, 1, 0, 34, 0] },
  [`${DNS} 10.0.0.12:53`]: { traffic: [1, 1, 0, 33, 0] },
};

export const BIG_TOTALS: Record<string, GoldenCounts> = {
  [WEB]: { traffic: [17, 101142, 0, 149630123, 0] },
  [`${WEB} 10.0.0.11:80`]: { traffic: [11, 101127, 0, 149629999, 0] },
  [`${WEB} 10.0.0.12:80`]: { traffic: [6, 15, 0, 800, 0] },
  [TLS]: { traffic: [8, 20, 0, 1200, 0] },
  [`${TLS} 10.0.0.11:443`]: { traffic: [4, 10, 0, 600, 0] },
  [`${TLS} 10.0.0.12:443`]: { traffic: [4, 10, 0, 600, 0] },
  [DNS]: { traffic: [24, 24, 0, 948, 0] },
  [`${DNS} 10.0.0.11:53`]: { traffic: [12, 12, 0, 480, 0] },
  [`${DNS} 10.0.0.12:53`]: { traffic: [12, 12, 0, 468, 0] },
};

export const BIG_RATES: Record<string, GoldenCounts> = {
  [WEB]: { traffic: [0, 8542, 0, 12640870, 0] },
  [`${WEB} 10.0.0.11:80`]: { traffic: [0, 8541, 0, 12640863, 0] },
  [`${WEB} 10.0.0.12:80`]: { traffic: [0, 0, 0, 7, 0] },
  [TLS]: { traffic: [0, 0, 0, 11, 0] },
  [`${TLS} 10.0.0.11:443`]: { traffic: [0, 0, 0, 6, 0] },
  [`${TLS} 10.0.0.12:443`]: { traffic: [0, 0, 0, 6, 0] },
  [DNS]: { traffic: [0, 0, 0, 9, 0] },
  [`${DNS} 10.0.0.11:53`]: { traffic: [0, 0, 0, 4, 0] },
  [`${DNS} 10.0.0.12:53`]: { traffic: [0, 0, 0, 4, 0] },
};

export type RecordedListing = 'plain' | 'rates' | 'bigTotals' | 'bigRates';

export const RECORDED_COUNTS: Readonly<Record<RecordedListing, Record<string, GoldenCounts>>> = {
  plain: CONNECTIONS,
  rates: RATES,
  bigTotals: BIG_TOTALS,
  bigRates: BIG_RATES,
};
