/** What a virtual service can do that IPVS cannot; each is off unless asked for. */
import type { NativeServiceConfig } from '../native/services.js';
import { TunvsError } from './errors.js';
import { booleanOption, checkedOptions, choiceOption, integerOption } from './options.js';

/** The values of {@link MidStream}. */
export const midStreamChoices = ['reset', 'hash'] as const;

/**
 * Says what becomes of a packet from the middle of a connection that the director does not know. With 'reset' it is
 * treated as IPVS does. With 'hash' the scheduler decides, as it would for the connection's first packet.
 */
export type MidStream = (typeof midStreamChoices)[number];

/** The values of {@link Announce}. */
export const announceChoices = ['always', 'when-up'] as const;

/**
 * Says when the host has the route of the service's address. With 'when-up' it has it only while the service has its
 * quorum, so that a routing daemon announces the address exactly then. An address with several such services has its
 * route while one of them has its quorum; services with 'always' have no say there.
 */
export type Announce = (typeof announceChoices)[number];

/** How the weight of a real server rises that is new, that comes back, or whose weight was 0. */
export interface SlowStart {
  /** The number of seconds that the weight rises, [0, 86400]. With 0 the server has its whole weight at once. */
  seconds: number;
}

/** The settings of a virtual service that IPVS does not have. */
export interface ServiceBehaviour {
  /**
   * Says what becomes of a packet from the middle of a connection that the director does not know: TCP without SYN, or
   * SCTP without INIT. 'hash' is for the schedulers by which directors agree without knowing of each other: 'sh', 'mh',
   * 'maglev' and 'rendezvous'. A reset or an ABORT never opens a connection. The default is 'reset'.
   */
  midStream?: MidStream;
  /**
   * Lets a real server that is new, that comes back, or whose weight was 0, begin with a tenth of its weight and reach
   * the whole of it after so many seconds. It works with 'wrr', 'wlc', 'sed', 'nq', 'twos', 'maglev', 'rendezvous' and
   * 'p2c', and not together with `midStream: 'hash'`. The default is none.
   */
  slowStart?: SlowStart;
  /**
   * Sends UDP connections of a real server that was removed to another one with their next datagram. When it is false,
   * the default, their datagrams are dropped, so that they can go on when the server comes back.
   */
  rescheduleUdp?: boolean;
  /**
   * Says when the host has the route of the service's address (docs/roles.md). With 'when-up' it has it only while the
   * service has its quorum by health, or without checks a real server that is up and of a weight above 0. The default is
   * 'always'.
   */
  announce?: Announce;
}

export const behaviourKeys = ['midStream', 'slowStart', 'rescheduleUdp', 'announce'] as const;

type BehaviourConfig = Pick<NativeServiceConfig, 'midStream' | 'slowStartSeconds' | 'rescheduleUdp' | 'announce'>;

export const MAX_SLOW_START_SECONDS = 86_400;

/**
 * An option left out keeps its value; a behaviour that is off is absent. The native part decides which scheduler can do
 * which; that no service does both is said first, because no choice of a scheduler mends it.
 */
export function checkedBehaviour(call: string, behaviour: ServiceBehaviour, before: BehaviourConfig): BehaviourConfig {
  const midStream = choiceOption(`${call}: midStream`, behaviour.midStream, midStreamChoices, midStreamOf(before));
  const { seconds } = checkedSlowStart(`${call}: slowStart`, behaviour.slowStart ?? slowStartOf(before));
  if (midStream === 'hash' && seconds > 0)
    throw notBoth(call, behaviour.slowStart === undefined ? 'midStream' : 'slowStart');
  const rescheduleUdp = booleanOption(`${call}: rescheduleUdp`, behaviour.rescheduleUdp, before.rescheduleUdp ?? false);
  const announce = choiceOption(`${call}: announce`, behaviour.announce, announceChoices, announceOf(before));
  return {
    ...(midStream === 'hash' && { midStream }),
    ...(seconds > 0 && { slowStartSeconds: seconds }),
    ...(rescheduleUdp && { rescheduleUdp }),
    ...(announce === 'when-up' && { announce }),
  };
}

export function midStreamOf({ midStream = 'reset' }: BehaviourConfig): MidStream {
  return midStream;
}

export function announceOf({ announce = 'always' }: BehaviourConfig): Announce {
  return announce;
}

export function slowStartOf({ slowStartSeconds = 0 }: BehaviourConfig): SlowStart {
  return { seconds: slowStartSeconds };
}

function notBoth(call: string, option: 'midStream' | 'slowStart'): TunvsError {
  return new TunvsError(
    'ERR_TUNVS_INVALID_ARGUMENT',
    `${call}: ${option}: a service cannot both have a slow start and hash mid-stream packets, since directors would ` +
      "disagree while a weight rises: choose slowStart: { seconds: 0 } or midStream: 'reset'",
    { option },
  );
}

function checkedSlowStart(name: string, value: SlowStart): SlowStart {
  const { seconds } = checkedOptions(name, value, ['seconds']);
  return { seconds: integerOption(`${name}.seconds`, seconds, 0, MAX_SLOW_START_SECONDS) };
}
