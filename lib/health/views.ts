/** What callers see of servers and services. */
import type { RealServer } from '../director/virtual-service.js';
import type { CheckedService } from './checked-service.js';
import type { CheckHealth, ServerHealth, ServiceHealth } from './events.js';
import type { Clock } from './clock.js';
import type { Probe } from './probe.js';
import type { Wheel } from './wheel.js';

export interface Seen {
  readonly clock: Clock;
  readonly wheel: Wheel;
}

export function serviceHealth(of: CheckedService, seen: Seen): ServiceHealth {
  const { service, rules, decision, since } = of;
  const servers = [...of.servers.keys()].map((server) => serverHealth(of, server, seen));
  return {
    service,
    isUp: decision?.hasQuorum ?? true,
    since,
    weight: decision?.weight ?? 0,
    quorum: rules.quorum.quorum,
    hysteresis: rules.quorum.hysteresis,
    isFailOpen: decision?.failOpen.isOpen ?? false,
    isSorry: decision?.isSorry ?? false,
    servers,
  };
}

/** REQUIRES: the server is one of the service's. */
export function serverHealth(of: CheckedService, server: RealServer, seen: Seen): ServerHealth {
  const checked = of.servers.get(server);
  const { isUp = true, state = 'unchecked', since = of.since } = of.standing(server) ?? {};
  const sorry = server.isSorry ? { isSorry: true as const } : {};
  if (checked === undefined) return { server, ...sorry, isUp, state, since, isResting: false, checks: [] };
  const { reason, message, mend } = checked.cause;
  const faulty = checked.followed.find(({ probe }) => probe.ownFault);
  return {
    server,
    ...sorry,
    isUp,
    state,
    since,
    ...(message !== undefined && { message }),
    ...(reason !== undefined && { reason }),
    ...(mend !== undefined && { mend }),
    ...(faulty && { ownFault: `${faulty.name}: ${faulty.probe.ownFault?.message}` }),
    ...(checked.advice && { advice: checked.advice }),
    isResting: checked.isResting,
    checks: checked.followed.map(({ name, probe }) => checkHealth(name, probe, seen)),
  };
}

function checkHealth(name: string, probe: Probe, { clock, wheel }: Seen): CheckHealth {
  const dueMs = wheel.dueMs(probe);
  return {
    name,
    kind: probe.check.kind,
    verdict: probe.state.verdict,
    against: probe.state.against,
    ...(dueMs !== undefined && { nextAt: Math.round(clock.timeMs() + dueMs - clock.nowMs()) }),
    passes: probe.passes,
    failures: probe.failures,
    results: probe.results.newestFirst(),
  };
}
