/** Says what the library refuses in the words of the command line. */
import { UsageError } from './verb.js';

/** The key is the library's option. Options that are checked when commander reads them are not listed. */
const NAMES: Readonly<Record<string, string>> = {
  source: '--source',
  pathMtuFloor: '--path-mtu-floor',
  'fullNat.sources': '--nat-source',
  'device.name': '--device',
  device: '--device',
  'markDevices.name': '--mark-device',
  'markDevices.mark': '--mark-device',
  'device.queues': '--queues',
  'markDevices.queues': '--queues',
  cpus: '--cpus',
  bypassesQdisc: '--bypass-qdisc',
  fastPath: '--fast-path',
  rings: '--ring',
  state: '--state',
  takeover: '--takeover',
  virtualAddresses: '--vip',
  directors: '--director',
  forwarding: '--forwarding',
  guePorts: '--gue-port',
  clientAddress: '--client',
  virtualAddress: '--virtual',
  flags: '--flags',
};

/**
 * Turns the refusal of an option's value into one of the command line's option; returns any other error as it is, such
 * as one about a capture or a device, which are named rightly but cannot be used.
 */
export function asUsageError(error: unknown): unknown {
  const { code, option, message } = (error ?? {}) as { code?: unknown; option?: unknown; message?: unknown };
  if (code !== 'ERR_TUNVS_INVALID_ARGUMENT' || typeof message !== 'string') return error;
  const name = typeof option === 'string' && Object.hasOwn(NAMES, option) ? NAMES[option] : undefined;
  const [, said] = /: (expected .*)$/s.exec(message) ?? [];
  if (said === undefined) return error;
  return new UsageError(name === undefined ? message : `${name}: ${said}`);
}
