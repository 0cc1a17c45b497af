/** Says what health is wanted of a service and of each server: what the file, the service and the server say together. */
import type { HealthSpec, ServerHealthSpec, ServerSpec, ServiceHealthSpec, ServiceSpec, Spec } from './spec.js';
import type { TimedCheckSpec } from './schema/health.js';

/** The health of a service in one piece. */
export interface WantedHealth extends Omit<ServiceHealthSpec, 'check' | 'checks' | 'port'> {
  checks: readonly TimedCheckSpec[];
  /** The port of those checks that have none of their own. */
  port?: number;
}

/** What a server has otherwise than its service. */
export interface WantedServerHealth extends Omit<ServerHealthSpec, 'check' | 'checks' | 'port'> {
  checks?: readonly TimedCheckSpec[];
  port?: number;
}

interface ChecksSpec {
  check?: ServiceHealthSpec['check'];
  checks?: ServiceHealthSpec['checks'];
}

/** Returns undefined when the health names no check. */
function checksOf({ check, checks }: ChecksSpec): readonly TimedCheckSpec[] | undefined {
  return checks ?? (check === undefined ? undefined : [{ check }]);
}

/** Returns undefined when the service's servers are not checked. */
export function healthOf({ health: all }: Pick<Spec, 'health'>, { health }: ServiceSpec): WantedHealth | undefined {
  if (health === false) return undefined;
  const { atOnce, notify, onStandby: _o, check: _, checks: __, ...common } = all ?? ({} as HealthSpec);
  const { check: ___, checks: ____, ...own } = health ?? ({} as ServiceHealthSpec);
  const checks = checksOf(health ?? {}) ?? checksOf(all ?? {});
  if (checks === undefined) return undefined;
  return { ...common, ...own, checks };
}

/** Returns false for a server that is not checked, and undefined for one that is as its service says. */
export function serverHealthOf({ health }: Pick<ServerSpec, 'health'>): WantedServerHealth | false | undefined {
  if (health === undefined || health === false) return health;
  const { check, checks: _, ...own } = health;
  const checks = checksOf(health);
  return { ...own, ...(checks && { checks }) };
}
