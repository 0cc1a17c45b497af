/** Which real server a packet would get, and by which rule, in words. */
import type { ServicePolicy } from './policy/policy.js';
import type { NativeExplanation, NativeServerKey } from './native.js';
import { formatVirtualEndpoint, type ServiceIdentity, serviceIdentity, serviceName } from './service-key.js';

export interface Explanation {
  /** The counter that the packet would be counted in: 'forwarded', 'dropNoService', ... */
  verdict: string;
  /** What decides: a connection that there is, a persistence template, a policy's table, the service's scheduler, or nothing. A connection
   * policy is not asked: its scheduler stands in for it. */
  by: NativeExplanation['by'];
  /** The real server that it would go to; with 'dropServerGone' the one that is gone. */
  realServer?: NativeServerKey;
  /** The virtual service that a new connection would be of. */
  service?: ServiceIdentity;
  /** That service's. */
  scheduler?: string;
  /** The service's policy. */
  policy?: Pick<ServicePolicy, 'kind' | 'name'>;
  /** Of the connection that the packet belongs to: ESTABLISHED, ... */
  connectionState?: string;
  /** That connection would end, and this packet begin another. */
  endsConnection: boolean;
  /** All of it in a sentence. */
  text: string;
}

export function explanation(
  said: NativeExplanation,
  scheduler: string | undefined,
  policy?: ServicePolicy,
): Explanation {
  const { verdict, by, endsConnection, connectionState, server } = said;
  const service = said.service && serviceIdentity(said.service);
  const rest = {
    verdict,
    by,
    endsConnection,
    ...(service && { service }),
    ...(scheduler !== undefined && { scheduler }),
    ...(policy && { policy: { kind: policy.kind, name: policy.name } }),
    ...(server && { realServer: server }),
    ...(connectionState !== undefined && { connectionState }),
  };
  return { ...rest, text: sentence(rest) };
}

const REFUSALS: Readonly<Record<string, string>> = {
  dropNoService: 'there is no virtual service for it',
  dropNotScheduled: 'it belongs to no connection and may not begin one',
  dropNoServer: 'no real server may take a connection',
  dropServerGone: "its connection's real server was removed",
};

function sentence({
  verdict,
  by,
  realServer,
  service,
  scheduler,
  policy,
  connectionState,
  endsConnection,
}: Omit<Explanation, 'text'>): string {
  const to = realServer && formatVirtualEndpoint(realServer);
  const of = service && `virtual service ${serviceName(service)}`;
  const anew = endsConnection ? `, in place of a connection that is in ${connectionState}` : '';
  if (verdict !== 'forwarded') {
    const why = REFUSALS[verdict] ?? 'it is not for a virtual service, or broken';
    return `Not forwarded (${verdict}): ${why}${of ? ` (${of})` : ''}${anew}.`;
  }
  if (by === 'connection') return `To real server ${to}, by its connection, which is in ${connectionState}.`;
  if (by === 'persistence')
    return `To real server ${to}, because the client's last connection to ${of} went there (persistence)${anew}.`;
  if (by === 'table') return `To real server ${to}, by the table of the policy "${policy?.name}" of ${of}${anew}.`;
  if (policy?.kind === 'connection')
    return `Where the policy "${policy.name}" of ${of} says; without an answer to real server ${to}, chosen by the scheduler ${scheduler}${anew}.`;
  return `To real server ${to}, chosen by the scheduler ${scheduler} of ${of}${anew}.`;
}
