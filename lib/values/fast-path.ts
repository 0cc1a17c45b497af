/** Whether established connections go by the fast path, a program inside the kernel. */
export const fastPaths = ['off', 'auto', 'egress'] as const;

/**
 * 'off': every packet goes by the workers. 'egress': a program at the egress of the director's device sends on the
 * packets of established connections; opening fails where there can be none. 'auto': the same where it can be, and
 * 'off' elsewhere.
 */
export type FastPathChoice = (typeof fastPaths)[number];
