/** What is known of health as plain values, which JSON takes as they are. */
import type { CheckHealth, ServerHealth, ServiceHealth } from '../health/events.js';
import { serverName } from '../values/server-options.js';
import { serviceName } from '../values/service-key.js';

export type ServerReport = Omit<ServerHealth, 'server'> & {
  /** `10.3.0.11:80` */
  name: string;
  address: string;
  port: number;
};

export type ServiceReport = Omit<ServiceHealth, 'service' | 'servers'> & {
  /** `tcp 192.0.2.1:80` */
  name: string;
  servers: ServerReport[];
};

/** What one line about a server needs. */
export interface ServerHealthStatus {
  state: ServerHealth['state'];
  /** Milliseconds since the epoch. */
  since: number;
  message?: string;
  mend?: string;
  /** What is wrong with the director's own host, so that the server stays as it is. */
  ownFault?: string;
  /** Present for a sorry server. */
  isSorry?: true;
  /** The result that came last, of any check. */
  last?: { at: number; passed: boolean; durationMs: number; message: string };
}

export interface ServiceHealthStatus {
  isUp: boolean;
  since: number;
  weight: number;
  quorum: number;
  isFailOpen: boolean;
  isSorry: boolean;
}

export function serviceReport({ service, servers, ...others }: ServiceHealth): ServiceReport {
  return { name: serviceName(service), ...others, servers: servers.map(serverReport) };
}

export function serverReport({ server, ...others }: ServerHealth): ServerReport {
  const { address, port } = server;
  return { name: serverName(server), address, port, ...others };
}

export function serverStatusOf({
  state,
  since,
  message,
  mend,
  ownFault,
  isSorry,
  checks,
}: ServerHealth): ServerHealthStatus {
  const last = lastResult(checks);
  return {
    ...{ state, since },
    ...(message !== undefined && { message }),
    ...(mend !== undefined && { mend }),
    ...(ownFault !== undefined && { ownFault }),
    ...(isSorry && { isSorry }),
    ...(last && {
      last: { at: last.at, passed: last.passed, durationMs: last.durationMs, message: last.message },
    }),
  };
}

export function serviceStatusOf(found: ServiceHealth): ServiceHealthStatus {
  const { isUp, since, weight, quorum, isFailOpen, isSorry } = found;
  return { isUp, since, weight, quorum, isFailOpen, isSorry };
}

function lastResult(checks: readonly CheckHealth[]) {
  const newest = checks.flatMap(({ results }) => results.slice(0, 1));
  return newest.reduce<(typeof newest)[number] | undefined>(
    (latest, each) => (latest === undefined || each.at > latest.at ? each : latest),
    undefined,
  );
}
