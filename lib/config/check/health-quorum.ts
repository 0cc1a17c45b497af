/** Finds quorums that the servers of a service cannot reach, which count as less than the file says. */
import { healthOf } from '../health-of.js';
import type { Spec } from '../spec.js';
import type { Finding } from './issues.js';
import type { ServicePart } from './service-checks.js';

/** REQUIRES: the health of each part was accepted. */
export function quorumWarnings(spec: Pick<Spec, 'health'>, parts: readonly ServicePart[]): Finding[] {
  return parts.flatMap(({ index, service, servers }): Finding[] => {
    const quorum = healthOf(spec, service)?.quorum ?? 1;
    // Nobody knows yet how many servers a name of the DNS stands for.
    if (servers.some(({ server }) => server.dns !== undefined)) return [];
    const all = servers.reduce((sum, { server }) => sum + (server.weight ?? 1), 0);
    if (quorum <= all || all === 0) return [];
    const isOwn = service.health && service.health.quorum !== undefined;
    const path = isOwn ? ['services', index, 'health', 'quorum'] : ['services', index];
    const message = `the quorum ${quorum} is more than the ${all} that all servers weigh, and counts as that`;
    return [{ path, message, mend: `write ${all} at most` }];
  });
}
