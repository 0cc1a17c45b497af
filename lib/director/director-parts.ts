/** The parts that a director is made of, with a device or offline. */
import type { DirectorHost } from '../host/director-host.js';
import type { HostKeeper } from '../host/host-keeper.js';
import type { NativePolicyListener } from '../native/director.js';
import type { NativePolicyColumns } from '../native/policies.js';
import type { Role } from '../values/role.js';
import type { DirectorDevice, MarkDevice } from './director-device.js';
import type { DirectorEngine } from './director-engine.js';
import type { DirectorWatch, DirectorWatchParts } from './director-watch.js';
import type { EventRelay } from './event-relay.js';
import type { FullNatOptions } from './full-nat-options.js';
import type { Pulse } from './pulse.js';
import type { Giver, GiverBacking } from './takeover/giver.js';
import type { DirectorState } from './state-folder.js';
import type { SyncBacking } from './sync.js';

/** The keeper of the host, and what it sees. */
export interface HostKeeping {
  watch: DirectorWatch;
  keeper: HostKeeper;
}

/** What is left to do when this director takes the place of another. */
export interface Taking {
  /** Has this director's workers begin, and the other one end. */
  complete(): Promise<void>;
  /** Leaves the other to itself: it has stopped, and ends. */
  abandon(): void;
}

/** What ends a director whose place another process takes. */
export type GiverHandle = Pick<GiverBacking, 'stop' | 'end' | 'fail' | 'warn'> & { role(): Role };

export interface DirectorParts {
  engine: DirectorEngine;
  sources: readonly string[];
  pulse: Pulse;
  device?: DirectorDevice | undefined;
  markDevices?: readonly MarkDevice[];
  warnings?: readonly string[];
  host?: DirectorHost | undefined;
  /** The role to begin with; active by default. */
  role?: Role;
  /** What full NAT gives to packets, for the host. */
  natSources?: readonly string[];
  /** Made once the director exists; undefined when offline. */
  keep?: (backing: Pick<DirectorWatchParts, 'moveServers' | 'report'>) => HostKeeping;
  /** The addresses of the host's interfaces; a source is local even if it is not among them. */
  localAddresses: () => readonly { address: string }[];
  nowMs: () => number;
  /** Connects the native part's questions to what answers them, at the first call or before. */
  policies: (answer: NativePolicyListener) => NativePolicyColumns;
  relay?: EventRelay;
  /** Told which addresses and ranges are the director's. */
  takePrefixes?: (prefixes: ReadonlySet<string>) => void;
  /** What full NAT gives to packets; undefined where there is none. */
  fullNat: FullNatOptions | undefined;
  /** The director whose place this one takes, until that is complete. */
  taking?: Taking | undefined;
  /** Lets other processes take this one's place, from when it is open. */
  giver?: ((backing: GiverHandle) => Giver) | undefined;
  /** What was found in the folder of the state; undefined without one. */
  state?: DirectorState | undefined;
  /** The CPU time of each worker thread; an offline director has no workers. */
  workerCpu: () => { userNs: bigint; systemNs: bigint }[];
  /** Says of each whether it has begun a turn since the call before. */
  workersTurned: () => boolean[];
  /** Runs the roles of connection sync; undefined when offline. */
  sync?: SyncBacking;
}
