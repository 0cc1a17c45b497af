/** Makes the options that `tunvs run` opens its director with from its command line. */
import type { DirectorOpenOptions } from '../../director/open-options.js';
import { engineOptions } from '../engine-options.js';
import type { RunOptions } from './options.js';

export function openOptions(options: RunOptions): DirectorOpenOptions {
  const { egress, markDevice: markDevices } = options;
  const device = {
    ...(options.device !== undefined && { name: options.device }),
    ...(options.queues !== undefined && { queues: options.queues }),
  };
  return {
    ...engineOptions(options, options.pathMtu),
    device,
    ...(markDevices !== undefined && { markDevices }),
    ...(egress !== undefined && { egress }),
  };
}
