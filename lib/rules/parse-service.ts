/** Reads the options of -A and -E. An edit without an option restores the default, as ipvsadm's does. */
import {
  DEFAULT_PERSISTENCE_SECONDS,
  DEFAULT_SCHEDULER,
  type Persistence,
  type ServiceId,
  type ServiceSettings,
  serviceFamily,
} from './command.js';
import { RulesError } from './errors.js';
import type { GivenOptions } from './given-options.js';
import { onePacketWarning } from '../values/scheduler.js';
import { parseNetmask, parseSchedulerFlags, parseTimeout } from './values.js';

/** Behind an IPv4 address, or behind the bracket of an IPv6 one. */
const PORT_WRITTEN = /(?:^[^:]*|\].*):\d+$/;

/** `warn` receives a sentence for each option that has no effect, or another one than was meant. */
export function parseServiceSettings(
  options: GivenOptions,
  service: ServiceId,
  warn: (sentence: string) => void,
): ServiceSettings {
  const scheduler = options.get('scheduler')?.value ?? DEFAULT_SCHEDULER;
  const persistence = parsePersistence(options, service, warn);
  const schedulerFlags = options.read('sched-flags', (written) => parseSchedulerFlags(written, scheduler)) ?? [];
  const onePacket = options.has('ops');
  if (service.kind === 'address' && service.port === 0 && !persistence) {
    const has = PORT_WRITTEN.test(options.get('service-address')?.value ?? '') ? 'has port 0' : 'has no port';
    throw new RulesError(
      `${service.address} ${has}, and only a persistent service may have that: add the port, or -p`,
      {
        token: service.address,
        ipvsadm: { text: 'Zero port specified for non-persistent service', exitStatus: 2 },
      },
    );
  }
  if (onePacket && service.kind === 'address' && service.protocol !== 'udp') {
    throw new RulesError('-o is for UDP and firewall-mark services only: leave it out', {
      token: '-o',
      ipvsadm: { text: 'One-Packet Scheduling is only for UDP virtual services', exitStatus: 2 },
    });
  }
  const oddity = onePacket && !persistence ? onePacketWarning(scheduler) : undefined;
  if (oddity !== undefined) warn(`-o ${options.has('scheduler') ? `with -s ${scheduler}` : 'without -s'}: ${oddity}`);
  return { scheduler, schedulerFlags, ...(persistence && { persistence }), onePacket };
}

function parsePersistence(
  options: GivenOptions,
  service: ServiceId,
  warn: (sentence: string) => void,
): Persistence | undefined {
  const netmask = options.read('netmask', (written) => parseNetmask(written, serviceFamily(service)));
  const given = options.get('persistent');
  if (!given) {
    // ipvsadm accepts these options and ignores them.
    for (const group of ['netmask', 'pe'] as const) {
      const other = options.get(group);
      if (other) warn(`${other.spelling} has no effect on a service that is not persistent: add -p, or leave it out`);
    }
    return undefined;
  }
  const timeoutSeconds =
    given.value === undefined
      ? DEFAULT_PERSISTENCE_SECONDS
      : parseTimeout({ spelling: given.spelling, value: given.value }, 1);
  const engine = options.get('pe')?.value;
  return { timeoutSeconds, ...(netmask !== undefined && { netmask }), ...(engine !== undefined && { engine }) };
}
