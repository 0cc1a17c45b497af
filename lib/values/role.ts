/** What a director is for its host. */

/** The values of {@link Role}. */
export const roles = ['active', 'standby'] as const;

/**
 * An 'active' director answers for its virtual addresses on its host. A 'standby' has its configuration, its connection
 * table and its health checks, and nothing on the host that brings it clients' packets.
 */
export type Role = (typeof roles)[number];
