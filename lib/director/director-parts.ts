/** What a director is made of: with a device, or offline. */
import type { DirectorHost } from '../host/director-host.js';
import type { HostKeeper } from '../host/host-keeper.js';
import type { NativePolicyListener } from '../native/director.js';
import type { NativePolicyColumns } from '../native/policies.js';
import type { DirectorDevice, MarkDevice } from './director-device.js';
import type { DirectorEngine } from './director-engine.js';
import type { DirectorWatch, DirectorWatchParts } from './director-watch.js';
import type { EventRelay } from './event-relay.js';
import type { Pulse } from './pulse.js';

/** Who looks after the host, and what he sees. */
export interface HostKeeping {
  watch: DirectorWatch;
  keeper: HostKeeper;
}

export interface DirectorParts {
  engine: DirectorEngine;
  sources: readonly string[];
  pulse: Pulse;
  device?: DirectorDevice | undefined;
  markDevices?: readonly MarkDevice[];
  warnings?: readonly string[];
  host?: DirectorHost | undefined;
  /** Made when the director exists; none when offline. */
  keep?: (backing: Pick<DirectorWatchParts, 'moveServers' | 'report'>) => HostKeeping;
  /** Of the host's interfaces; a source is local all the same. */
  localAddresses: () => readonly { address: string }[];
  nowMs: () => number;
  /** Connects the native part's questions to what answers them; at the first call, or before. */
  policies: (answer: NativePolicyListener) => NativePolicyColumns;
  relay?: EventRelay;
  /** Of each worker thread; an offline director has none. */
  workerCpu: () => { userNs: bigint; systemNs: bigint }[];
}
