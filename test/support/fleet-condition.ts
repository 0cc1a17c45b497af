/** How a director stands to its fleet when all is well. */
import { type FleetCondition, Membership } from '../../lib/fleet/membership.js';

export const WELL: FleetCondition = {
  ...{ prefix: '/tunvs/site', member: 'lb1', isConnected: true, sinceMs: 1_767_355_391_250 },
  ...{ endpoint: 'http://10.2.0.5:2379', revision: 7, from: 'etcd', newestRevision: 7, hasLease: true },
  probedServices: ['tcp 192.0.2.1:80'],
};

export function membershipOf(more: Partial<FleetCondition> = {}): Membership {
  const membership = new Membership();
  membership.fill({ condition: () => ({ ...WELL, ...more }), setRole() {} });
  return membership;
}
