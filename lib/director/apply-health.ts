/** Says at one moment what health has found of several real servers. */
import type { HealthCondition } from '../values/health-condition.js';
import type { ServiceOwner } from './owners.js';

interface CheckedServer {
  applyHealth(health: HealthCondition | undefined): boolean;
}

/** Returns how many have changed. */
export function applyHealth(
  configuration: Pick<ServiceOwner, 'transaction'>,
  changes: ReadonlyMap<CheckedServer, HealthCondition | undefined>,
): number {
  return configuration.transaction(() => {
    let changed = 0;
    for (const [server, health] of changes) if (server.applyHealth(health)) changed += 1;
    return changed;
  });
}
