/** A director that begins without services, as IPVS does: `tunvsadm` or the control API fills it. */
import { UsageError } from '../verb.js';
import type { Configuration } from './configuration.js';
import { openOptions } from './open-options.js';
import type { RunOptions } from './options.js';

export function emptyConfiguration(options: RunOptions, source: string[]): Configuration {
  return {
    title: 'configuration',
    open: openOptions(options, source),
    daemon: {},
    plan: async () => ({ services: [], marks: [], lines: [] }),
    begin() {},
    async reload({ reset = false }) {
      // Whoever asks to undo what was changed by hand can hardly mean all that there is.
      if (reset)
        throw new UsageError('the director was started without a file: "tunvsadm -C" removes all of its services');
      return [];
    },
    files: () => [],
    end() {},
  };
}
