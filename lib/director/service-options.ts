/** What callers say about virtual services, and how it is checked. */
import type { NativeServiceConfig } from '../native/services.js';
import type { Policy } from '../policy/policy.js';
import { booleanOption, checkedOptions, readArguments, refuse } from '../values/options.js';
import { checkedPersistence, type Persistence } from '../values/persistence.js';
import { isWithin } from '../values/prefix.js';
import { DEFAULT_SCHEDULER } from '../values/scheduler.js';
import { checkedSchedulerChoice, type SchedulerChoice, schedulerKeys } from '../values/scheduler-options.js';
import { behaviourKeys, checkedBehaviour, type ServiceBehaviour } from '../values/service-behaviour.js';
import {
  type AddressServiceKey,
  checkedServiceKey,
  type MarkServiceKey,
  type ServiceIdentity,
  type VirtualServiceKey,
} from '../values/service-key.js';
import { checkedServiceTimeouts, type StateTimeouts } from '../values/timeouts.js';

export type VirtualServiceOptions = VirtualServiceKey & VirtualServiceEdit;

export interface VirtualServiceEdit extends SchedulerChoice, ServiceBehaviour {
  /** New connections of a client go where its last one went; false, the default: anywhere. */
  persistence?: Persistence | false;
  /** Every UDP datagram is scheduled by itself; for UDP services and those of a mark. Default false. */
  onePacket?: boolean;
  /** In place of the director's, for states of the service's protocol; {@link timeoutStates}. `{}`: none of its own. */
  timeouts?: StateTimeouts;
  /**
   * Decides about new connections before the scheduler does, which decides where the policy cannot. Another one's
   * counters begin at 0; null, the default: none.
   */
  policy?: Policy | null;
}

const SERVICE_SETTINGS = [
  ...schedulerKeys,
  'persistence',
  'onePacket',
  'timeouts',
  ...behaviourKeys,
  'policy',
] as const;

const SERVICE_DEFAULTS: NativeServiceConfig = { scheduler: DEFAULT_SCHEDULER, schedulerFlags: [] };

export function checkedServiceOptions(
  call: string,
  options: VirtualServiceOptions,
  sourceRanges: readonly string[],
): { key: ServiceIdentity; config: NativeServiceConfig; policy: Policy | null | undefined } {
  const names = ['protocol', 'address', 'port', 'lastPort', 'mark', 'family', ...SERVICE_SETTINGS] as const;
  const given = checkedOptions<Partial<AddressServiceKey & MarkServiceKey & VirtualServiceEdit>>(call, options, names);
  return readArguments(call, () => {
    const key = checkedServiceKey(call, given as VirtualServiceKey);
    refuseSource(call, key, sourceRanges);
    return { key, config: mergedServiceConfig(call, given, SERVICE_DEFAULTS, key), policy: given.policy };
  });
}

/** Refuses an address whose packets could not be told from answers to the director's own. */
function refuseSource(call: string, { address, mark }: ServiceIdentity, sourceRanges: readonly string[]): void {
  const range = mark === undefined ? sourceRanges.find((each) => isWithin(address, each)) : undefined;
  if (range === undefined) return;
  const expected = `an address outside of the source ${range}, where the director's own addresses are`;
  refuse(`${call}: address`, address, expected);
}

/** What is left out stays. */
export function checkedServiceEdit(
  call: string,
  edit: VirtualServiceEdit,
  before: NativeServiceConfig,
  key: ServiceIdentity,
): { config: NativeServiceConfig; policy: Policy | null | undefined } {
  const given = checkedOptions(call, edit, SERVICE_SETTINGS);
  return readArguments(call, () => ({
    config: mergedServiceConfig(call, given, before, key),
    policy: given.policy,
  }));
}

function mergedServiceConfig(
  call: string,
  edit: VirtualServiceEdit,
  before: NativeServiceConfig,
  key: ServiceIdentity,
): NativeServiceConfig {
  const persistence =
    edit.persistence === undefined ? before.persistence : checkedPersistence(call, edit.persistence, key);
  const onePacket = booleanOption(`${call}: onePacket`, edit.onePacket, before.onePacket ?? false);
  if (onePacket && key.protocol !== 'udp' && key.mark === undefined) {
    refuse(`${call}: onePacket`, onePacket, `false, because a service of ${key.protocol} has connections`);
  }
  if (key.port === 0 && key.mark === undefined && !persistence) {
    refuse(
      `${call}: port`,
      key.port,
      'a port from 1 to 65535, or persistence; for every port without it, write { port: 1, lastPort: 65535 }',
    );
  }
  return {
    ...checkedSchedulerChoice(call, edit, before),
    ...(persistence && { persistence }),
    ...(onePacket && { onePacket }),
    ...checkedBehaviour(call, edit, before),
    ...checkedServiceTimeouts(call, edit.timeouts ?? before.timeouts, key.protocol),
  };
}
