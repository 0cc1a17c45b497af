/** Makes the options that `tunvs run` opens its director with from its command line. */
import { join } from 'node:path';
import type { DirectorOpenOptions } from '../../director/open-options.js';
import { DEFAULT_NAME } from '../../daemon/daemon-name.js';
import { runtimeFolder } from '../../host/holds/folder.js';
import { engineOptions } from '../engine-options.js';
import { UsageError } from '../verb.js';
import type { RunOptions } from './options.js';

export function openOptions(options: RunOptions, source: string[]): DirectorOpenOptions {
  const { egress, offloads, markDevice: markDevices } = options;
  const {
    cpus,
    busyPoll: busyPollUs,
    bypassQdisc: bypassesQdisc,
    fastPath,
    ring: rings,
    state,
    takeover,
    role,
  } = options;
  const name = options.device ?? deviceOf(options.name);
  const device = {
    ...(name !== undefined && { name }),
    ...(options.queues !== undefined && { queues: options.queues }),
    ...(options.steering !== undefined && { steering: options.steering }),
  };
  return {
    ...engineOptions({ ...options, source }, options.pathMtu),
    device,
    ...(markDevices !== undefined && { markDevices }),
    ...(egress !== undefined && { egress }),
    ...(offloads !== undefined && { offloads }),
    ...(cpus !== undefined && { cpus }),
    ...(busyPollUs !== undefined && { busyPollUs }),
    ...(bypassesQdisc !== undefined && { bypassesQdisc }),
    ...(fastPath !== undefined && { fastPath }),
    ...(rings !== undefined && { rings }),
    ...(takeover !== undefined && { takeover }),
    ...(role !== undefined && { role }),
    ...(state !== undefined && { state: state === true ? defaultStateFolder(options.name) : state }),
  };
}

const defaultStateFolder = (daemon = DEFAULT_NAME) => join(runtimeFolder(), daemon);

/** The kernel's limit. */
const DEVICE_LENGTH = 15;

/** Directors with names of their own have devices of their own, each time the same one. */
function deviceOf(daemon: string | undefined): string | undefined {
  if (daemon === undefined || daemon === DEFAULT_NAME) return undefined;
  const device = `tunvs-${daemon}`;
  if (device.length <= DEVICE_LENGTH) return device;
  throw new UsageError(
    `--name ${daemon}: ${device} is longer than a device's name may be, ${DEVICE_LENGTH} characters: ` +
      'name the device with --device',
  );
}
