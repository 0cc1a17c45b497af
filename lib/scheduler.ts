/** The schedulers that the native part has; see docs/api.md for what each does. */

/** `rr` round robin, `wrr` weighted round robin, `lc` least connections, `wlc` weighted least connections. */
export const schedulers = ['rr', 'wrr', 'lc', 'wlc'] as const;

/** How a virtual service chooses the real server of a new connection. */
export type Scheduler = (typeof schedulers)[number];

/** ipvsadm's own default. */
export const DEFAULT_SCHEDULER: Scheduler = 'wlc';
