/** The forwarding methods that the native part has. */

/** `ipip`: the packet, untouched, behind an outer IP header from the director to the real server (LVS/TUN). */
export const forwardingMethods = ['ipip'] as const;

/** How packets get to a real server. */
export type ForwardingMethod = (typeof forwardingMethods)[number];

export const DEFAULT_FORWARDING_METHOD: ForwardingMethod = 'ipip';
