/** What a virtual service can do that IPVS cannot; each is off unless asked for. */
import type { NativeServiceConfig } from '../native/services.js';
import { booleanOption, checkedOptions, choiceOption, integerOption } from './options.js';

/** `reset`: as IPVS. `hash`: the scheduler decides, as it would for the connection's first packet. */
export const midStreamChoices = ['reset', 'hash'] as const;

export type MidStream = (typeof midStreamChoices)[number];

export interface SlowStart {
  /** How long the weight rises, [0, 86400]; 0: not at all. */
  seconds: number;
}

export interface ServiceBehaviour {
  /**
   * What a packet meets that is from the middle of a connection which the director does not know: TCP without SYN,
   * SCTP without INIT. 'hash' is for the schedulers by which directors agree without knowing of each other: 'sh', 'mh',
   * 'maglev' and 'rendezvous'. Resets and ABORTs never open a connection. Default 'reset'.
   */
  midStream?: MidStream;
  /**
   * A real server that is new, that comes back, or whose weight was 0, begins with a tenth of its weight and has the
   * whole of it after so many seconds. For 'wrr', 'wlc', 'sed', 'nq', 'twos', 'maglev', 'rendezvous' and 'p2c'; not
   * together with `midStream: 'hash'`. Default: none.
   */
  slowStart?: SlowStart;
  /**
   * Whether UDP connections of a real server that was removed go to another one with their next datagram. Default
   * false: they meet silence, so that they can go on when the server comes back.
   */
  rescheduleUdp?: boolean;
}

export const behaviourKeys = ['midStream', 'slowStart', 'rescheduleUdp'] as const;

type BehaviourConfig = Pick<NativeServiceConfig, 'midStream' | 'slowStartSeconds' | 'rescheduleUdp'>;

const MAX_SLOW_START_SECONDS = 86_400;

/**
 * An option left out keeps its value; a behaviour that is off is absent. The native part decides which scheduler can do
 * which.
 */
export function checkedBehaviour(call: string, behaviour: ServiceBehaviour, before: BehaviourConfig): BehaviourConfig {
  const midStream = choiceOption(`${call}: midStream`, behaviour.midStream, midStreamChoices, midStreamOf(before));
  const { seconds } = checkedSlowStart(`${call}: slowStart`, behaviour.slowStart ?? slowStartOf(before));
  const rescheduleUdp = booleanOption(`${call}: rescheduleUdp`, behaviour.rescheduleUdp, before.rescheduleUdp ?? false);
  return {
    ...(midStream === 'hash' && { midStream }),
    ...(seconds > 0 && { slowStartSeconds: seconds }),
    ...(rescheduleUdp && { rescheduleUdp }),
  };
}

export function midStreamOf({ midStream = 'reset' }: BehaviourConfig): MidStream {
  return midStream;
}

export function slowStartOf({ slowStartSeconds = 0 }: BehaviourConfig): SlowStart {
  return { seconds: slowStartSeconds };
}

function checkedSlowStart(name: string, value: SlowStart): SlowStart {
  const { seconds } = checkedOptions(name, value, ['seconds']);
  return { seconds: integerOption(`${name}.seconds`, seconds, 0, MAX_SLOW_START_SECONDS) };
}
