/** Checks what callers say about virtual services. */
import type { NativeServiceConfig } from '../native/services.js';
import type { Policy } from '../policy/policy.js';
import { booleanOption, checkedOptions, readArguments, refuse } from '../values/options.js';
import { checkedPersistence, type Persistence } from '../values/persistence.js';
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
import { refuseSource } from './source-ranges.js';

/**
 * The options of {@link Director.addVirtualService}: the service's name, and its settings.
 *
 * @example
 * ```ts
 * import { Director, type VirtualServiceOptions } from 'tunvs';
 *
 * const options: VirtualServiceOptions = {
 *   protocol: 'tcp',
 *   address: '192.0.2.1',
 *   port: 8000,
 *   lastPort: 8099,
 *   scheduler: 'maglev',
 *   persistence: { timeoutSeconds: 600, netmask: 24 },
 *   timeouts: { established: 3600 },
 * };
 * const service = Director.offline({ source: '10.2.0.2' }).addVirtualService(options);
 * console.log(service.scheduler, service.persistence?.netmask); // maglev 255.255.255.0
 * ```
 */
export type VirtualServiceOptions = VirtualServiceKey & VirtualServiceEdit;

/** The options of {@link VirtualService.edit}. Options that are left out keep their values. */
export interface VirtualServiceEdit extends SchedulerChoice, ServiceBehaviour {
  /** Sends new connections of a client where its last one went. When it is false, the default, they go anywhere. */
  persistence?: Persistence | false;
  /** Schedules every UDP datagram by itself, in UDP services and those of a mark. The default is false. */
  onePacket?: boolean;
  /**
   * Replaces the director's timeouts for states of the service's protocol; {@link timeoutStates} lists the states. With
   * `{}` the service has no timeouts of its own, which is the default.
   */
  timeouts?: StateTimeouts;
  /**
   * Decides about new connections before the scheduler does. The scheduler decides when the policy cannot. The counters
   * of a new policy begin at 0. When it is null, the default, the service has no policy.
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
  sources: readonly string[],
): { key: ServiceIdentity; config: NativeServiceConfig; policy: Policy | null | undefined } {
  const names = ['protocol', 'address', 'port', 'lastPort', 'mark', 'family', ...SERVICE_SETTINGS] as const;
  const given = checkedOptions<Partial<AddressServiceKey & MarkServiceKey & VirtualServiceEdit>>(call, options, names);
  return readArguments(call, () => {
    const key = checkedServiceKey(call, given as VirtualServiceKey);
    refuseSource(call, key, sources);
    return { key, config: mergedServiceConfig(call, given, SERVICE_DEFAULTS, key), policy: given.policy };
  });
}

/** An option left out keeps its value. */
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
      'a port from 1 to 65535, unless the service is persistent',
      'for every port write { port: 1, lastPort: 65535 }',
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
