/** Says whether a device is there, and whether a director could open it, without opening it. */
import { TunvsError } from '../values/errors.js';
import type { Host } from './host.js';

interface Link {
  linkinfo?: { info_kind?: string; info_data?: { type?: string; multi_queue?: boolean } };
}

export interface WantedDevice {
  /** The option by which the caller named it. */
  option: string;
  queues?: number;
}

/**
 * Returns `false` where nothing has the name. Does not look whether another process has the device open.
 *
 * @throws {@link TunvsError} where it is no TUN device, or has fewer queues than are wanted.
 */
export function isTunDevice(host: Host, name: string, { option, queues = 1 }: WantedDevice): boolean {
  const said = host.query(['ip', '-json', '-details', 'link', 'show', 'dev', name]);
  if (said === undefined) return false;
  const [link] = JSON.parse(said) as Link[];
  const { info_kind: kind, info_data: data } = link?.linkinfo ?? {};
  if (kind !== 'tun' || data?.type === 'tap')
    refuseDevice(option, `network interface '${name}' exists and is not a TUN device: choose another name`);
  if (queues > 1 && data?.multi_queue === false) {
    const made = (verb: string) => `ip tuntap ${verb} dev ${name} mode tun`;
    refuseDevice(
      option,
      `device '${name}' has a single queue and ${queues} were asked for: ask for one, or make it anew ` +
        `(${made('del')} && ${made('add')} multi_queue)`,
    );
  }
  return true;
}

/** Says it in the words of the native part, which finds it on opening. */
function refuseDevice(option: string, sentence: string): never {
  throw new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', sentence, { option });
}
