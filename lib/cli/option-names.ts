/** Says what the library refuses in the words of the command line. */
import { UsageError } from './verb.js';

/** The key is the library's option. Options that are checked when commander reads them are not listed. */
const NAMES: Readonly<Record<string, string>> = {
  source: '--source',
  pathMtuFloor: '--path-mtu-floor',
  'device.name': '--device',
  device: '--device',
  'markDevices.name': '--mark-device',
  'markDevices.mark': '--mark-device',
  'device.queues': '--queues',
  'markDevices.queues': '--queues',
  virtualAddresses: '--vip',
  directors: '--director',
  forwarding: '--forwarding',
  guePorts: '--gue-port',
  clientAddress: '--client',
  virtualAddress: '--virtual',
  flags: '--flags',
};

/**
 * Turns an error about a library's option into one about the command line's option; returns any other error as it is.
 */
export function asUsageError(verb: string, error: unknown): unknown {
  const { code, option, message } = (error ?? {}) as { code?: unknown; option?: unknown; message?: unknown };
  if (code !== 'ERR_TUNVS_INVALID_ARGUMENT' || typeof option !== 'string' || typeof message !== 'string') return error;
  const name = Object.hasOwn(NAMES, option) ? NAMES[option] : undefined;
  const [, said] = /: (expected .*)$/s.exec(message) ?? [];
  return name === undefined || said === undefined ? error : new UsageError(`${verb}: ${name}: ${said}`);
}
