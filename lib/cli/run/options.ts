/** The options of `tunvs run` as commander reads them. */
import type { Egress } from '../../values/egress.js';
import type { OnStandby } from '../../health/options.js';
import type { Role } from '../../values/role.js';
import type { FastPathChoice } from '../../values/fast-path.js';
import type { OffloadChoice } from '../../values/offload.js';
import type { EngineArguments } from '../engine-options.js';
import type { EtcdArguments } from '../etcd-options.js';
import type { ControlArguments } from './control-options.js';
import type { LogArguments } from './log-options.js';
import type { SyncArguments } from './sync.js';

export interface FleetArguments extends EtcdArguments {
  etcdCache?: string;
  etcdMember?: string;
  /** Seconds. */
  etcdLease?: number;
  etcdShareChecks?: boolean;
}

export interface RunOptions
  extends Omit<EngineArguments, 'source'>,
    LogArguments,
    ControlArguments,
    FleetArguments,
    SyncArguments {
  rules?: string;
  config?: string;
  keepalived?: string;
  keepalivedId?: string;
  source?: string[];
  reloadOnChange?: boolean;
  name?: string;
  user?: string;
  /** Bytes. */
  pathMtu?: number;
  device?: string;
  queues?: number;
  markDevice?: { mark: number; name?: string }[];
  egress?: 'auto' | Egress;
  offloads?: OffloadChoice;
  fastPath?: FastPathChoice;
  ring?: string[];
  /** True: the folder of this daemon's name. */
  state?: string | true;
  takeover?: boolean;
  role?: Role;
  standbyChecks?: OnStandby;
  steering?: 'auto' | 'kernel';
  cpus?: number[];
  /** Microseconds. */
  busyPoll?: number;
  bypassQdisc?: boolean;
  /** Milliseconds. */
  statsInterval?: number;
  json?: boolean;
  dryRun?: boolean;
}
