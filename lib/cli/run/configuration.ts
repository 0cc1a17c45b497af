/** What a director is run from, whatever it is written in: a file of rules, or a configuration file. */
import type { Spec } from '../../config/spec.js';
import type { Attachment, Running } from '../../daemon/daemon.js';
import type { Membership } from '../../fleet/membership.js';
import type { HealthSlot } from '../../health/view.js';
import type { DirectorOpenOptions } from '../../director/open-options.js';
import type { VirtualServiceStats } from '../../stats/stats.js';
import type { MarkRule } from '../../values/marks.js';

/** One thing that a reload changes: a rule, or a change of a configuration file's with its sentence. */
export type Change = { change: string } & ({ rule: string; before?: string } | { sentence: string });

export interface ReloadWish {
  /** Only says what would change. */
  dryRun?: boolean;
  /** Makes everything as the file says, and undoes what was changed by hand since it was read last. */
  reset?: boolean;
}

/** What a director would hold, and how `--dry-run` prints it. */
export interface Planned {
  services: VirtualServiceStats[];
  marks: readonly MarkRule[];
  lines: string[];
}

/** Of what runs beside the director. */
export type DaemonSpec = Pick<Spec, 'control' | 'log' | 'metrics' | 'reload' | 'sync'>;

export interface Configuration {
  /** What messages call it: `rules`, `configuration`. */
  readonly title: string;
  readonly open: DirectorOpenOptions;
  readonly daemon: DaemonSpec;
  /** Where the monitor of health is once the configuration wants one; absent where it never does. */
  readonly health?: HealthSlot;
  /** Throws what is wrong with it. */
  plan(): Promise<Planned>;
  /** Puts it into force at a director that holds nothing. */
  begin(running: Running): Promise<void> | void;
  /** Reads it again, and brings about what it changed. When it throws, everything is as it was. */
  reload(wish: ReloadWish): Promise<Change[]>;
  /** What is in force, each value with its origin; absent where there are no origins. */
  shown?(): unknown;
  /** The files that it was read from last, and the folders that were looked into for them. */
  files(): readonly string[];
  /** Makes the director a member of a fleet, whose configuration changes by itself; absent where there is none. */
  readonly fleet?: (reload: () => Promise<unknown>) => Attachment;
  /** What others see of that; absent where there is no fleet. */
  readonly membership?: Membership;
  /** The director is closed. */
  end(): Promise<void> | void;
}
