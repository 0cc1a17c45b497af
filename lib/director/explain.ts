/** Says in words which real server a packet would get, and by which rule. */
import { types } from 'node:util';
import type { ServicePolicy } from '../policy/policy.js';
import { native } from '../native/addon.js';
import type { CounterName } from '../stats/counter-names.js';
import type { NativeExplanation } from '../native/rows.js';
import { type ExplainedFlow, packetOf } from '../values/flow-packet.js';
import { checkedOptions, integerOption, MAX_UINT32, readArguments } from '../values/options.js';
import type { RealServerKey } from '../values/server-options.js';
import { formatVirtualEndpoint, type ServiceIdentity, serviceIdentity, serviceName } from '../values/service-key.js';

/** An end of a packet. */
export interface PacketEnd {
  /** Its address. */
  address: string;
  /** Its port, where the packet has one. */
  port?: number;
}

/** Both ends of a packet. */
export interface PacketEnds {
  /** Where it comes from. It is absent where full NAT will give the packet one of its pairs of address and port. */
  source?: PacketEnd;
  /** Where it goes. */
  destination: PacketEnd;
}

/** What {@link Director.explain} says about a packet. */
export interface Explanation {
  /** The counter that would count the packet, such as 'forwarded' or 'dropNoService'. */
  verdict: CounterName;
  /**
   * What decides: a connection in the table, a persistence template, a policy's table, the service's scheduler, the
   * first fragment of the packet's datagram, or a health check that has pinned the flow; or nothing, when there is no
   * real server to choose. A connection policy is not asked; the service's scheduler stands in for it.
   */
  by: NativeExplanation['by'];
  /**
   * The real server that the packet would go to, that it is too long for, or that it is about. When the verdict is
   * 'dropServerGone', 'dropServerDown' or 'dropConnectionReset', it is the server that is gone or down. When it is
   * 'returned', it is the server that the packet comes from.
   */
  realServer?: Required<RealServerKey>;
  /** The virtual service that a new connection would belong to. */
  service?: ServiceIdentity;
  /** The scheduler of that service. */
  scheduler?: string;
  /** The policy of that service. */
  policy?: Pick<ServicePolicy, 'kind' | 'name'>;
  /**
   * What the packet's own source and destination are changed to, where the director translates (`nat`, `snat`): a
   * client's packet goes to the real server's address and port, and a server's leaves from the virtual service's. There
   * is no `port` where the packet has none, as in ICMP and in later fragments, and no `source` where full NAT is still
   * to pick one, since the connection that takes it has not begun.
   */
  becomes?: PacketEnds;
  /** The state of the connection that the packet belongs to, such as 'ESTABLISHED'. */
  connectionState?: string;
  /** Whether that connection would end, and the packet begin another. */
  endsConnection: boolean;
  /** The sentence that says all of it. */
  text: string;
}

/** Turns the question into what the native part takes. */
export function explainedPacket(
  packet: Uint8Array | ExplainedFlow,
  options: { mark?: number },
): { bytes: Uint8Array; mark: number } {
  const { mark } = checkedOptions('explain', options, ['mark']);
  const bytes = readArguments('explain', () => (types.isUint8Array(packet) ? packet : packetOf('explain', packet)));
  return { bytes, mark: integerOption('explain: mark', mark, 0, MAX_UINT32, 0) };
}

export function explanation(
  said: NativeExplanation,
  scheduler: string | undefined,
  policy?: ServicePolicy,
): Explanation {
  const { verdict, by, endsConnection, connectionState, server, becomes } = said;
  const service = said.service && serviceIdentity(said.service);
  const rest = {
    verdict: verdict as CounterName,
    by,
    endsConnection,
    ...(service && { service }),
    ...(scheduler !== undefined && { scheduler }),
    ...(policy && { policy: { kind: policy.kind, name: policy.name } }),
    ...(server && { realServer: server }),
    ...(becomes && { becomes }),
    ...(connectionState !== undefined && { connectionState }),
  };
  return { ...rest, text: sentence(rest) };
}

/** The beginning of the sentence, by what becomes of the packet. */
const HEADS = { sent: 'Forwarded', answered: 'Answered', kept: 'Not forwarded', dropped: 'Not forwarded' } as const;

/** Says why a verdict was reached, in words without a full stop. */
function reasonOf(verdict: string): { kind: keyof typeof HEADS; sentence: string } {
  const info = native.verdictInfos[native.verdicts.indexOf(verdict)];
  if (!info) throw new TypeError(`explain: "${verdict}" is not a verdict`);
  return info;
}

function sentence(said: Omit<Explanation, 'text'>): string {
  const { verdict, becomes } = said;
  const from = becomes?.source ? endName(becomes.source) : 'an address of full NAT';
  const ends = becomes && isSent(verdict) ? ` It leaves from ${from} to ${endName(becomes.destination)}.` : '';
  if (verdict === 'returned') return `${returnedSentence(said)}${ends}`;
  const isForwarded = verdict === 'forwarded' || verdict === 'pinned';
  return `${isForwarded ? forwardedSentence(said) : otherSentence(said)}${ends}`;
}

const isSent = (verdict: string) => reasonOf(verdict).kind === 'sent';

const endName = ({ address, port }: PacketEnd) =>
  port === undefined ? address : formatVirtualEndpoint({ address, port });

function returnedSentence({ by, realServer, connectionState }: Omit<Explanation, 'text'>): string {
  const from = `From real server ${realServer && formatVirtualEndpoint(realServer)} to its client`;
  if (by === 'connection') return `${from}, by their connection, which is in ${connectionState}.`;
  if (by === 'datagram') return `${from}, where its datagram's first fragment went.`;
  return `${from}, by the virtual service, which keeps no connections.`;
}

function otherSentence({
  verdict,
  by,
  realServer,
  service,
  connectionState,
  endsConnection,
}: Omit<Explanation, 'text'>): string {
  const { kind, sentence: why } = reasonOf(verdict);
  const whose = [
    service && `virtual service ${serviceName(service)}`,
    realServer && `real server ${formatVirtualEndpoint(realServer)}`,
    by === 'connection' && connectionState !== undefined && `connection in ${connectionState}`,
  ].filter((part) => typeof part === 'string');
  const anew = endsConnection ? `, in place of a connection that is in ${connectionState}` : '';
  return `${HEADS[kind]} (${verdict}): ${why}${whose.length > 0 ? ` (${whose.join(', ')})` : ''}${anew}.`;
}

function forwardedSentence({
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
  if (by === 'datagram') return `To real server ${to}, where its datagram's first fragment went.`;
  if (by === 'pin') return `To real server ${to}, to which a health check has pinned the flow.`;
  if (by === 'connection') return `To real server ${to}, by its connection, which is in ${connectionState}.`;
  if (by === 'persistence')
    return `To real server ${to}, because the client's last connection to ${of} went there (persistence)${anew}.`;
  if (by === 'table') return `To real server ${to}, by the table of the policy "${policy?.name}" of ${of}${anew}.`;
  if (policy?.kind === 'connection')
    return (
      `To the real server that the policy "${policy.name}" of ${of} names; if it names none, ` +
      `to real server ${to}, chosen by the scheduler ${scheduler}${anew}.`
    );
  return `To real server ${to}, chosen by the scheduler ${scheduler} of ${of}${anew}.`;
}
