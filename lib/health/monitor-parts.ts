/** What a monitor works with; tests bring their own. */
import type { RealServer } from '../director/virtual-service.js';
import type { Clock } from './clock.js';
import type { Post } from './notify/post.js';
import type { RunCommand } from './notify/run-command.js';
import type { WriteLines } from './notify/fifo.js';
import type { Reaching } from './reach.js';
import type { PassiveSignals } from './rules/observe.js';

export interface MonitorParts {
  readonly clock: Clock;
  /** Answers [0, 1). */
  readonly random: () => number;
  readonly reaching: Reaching;
  /** Reads what the traffic of a server tells; undefined when nothing can be read now. */
  readonly signals: (server: RealServer) => PassiveSignals | undefined;
  readonly post: Post;
  readonly runCommand: RunCommand;
  readonly openFifo: (path: string) => WriteLines;
}
