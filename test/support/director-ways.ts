/** The ways by which a director's packets come in and go out, which labs go through. */
import type { DirectorOpenOptions } from '../../lib/index.js';
import { fastPathProblem } from './fast-path.js';
import { UPLINK } from './lab.js';

/** Each egress, with one queue and with two. */
export const queuedWays = (['tun', 'raw', 'packet'] as const).flatMap((egress) =>
  [1, 2].map((queues) => ({ egress, queues })),
);

export type Way = (typeof queuedWays)[number] & Pick<DirectorOpenOptions, 'fastPath' | 'rings'>;

/** With the fast path at either place, where the kernel has it. */
export const fastWays: readonly Way[] = [
  { egress: 'packet', queues: 2, fastPath: 'auto' },
  ...(fastPathProblem() === undefined
    ? [{ egress: 'packet', queues: 2, fastPath: `ingress:${UPLINK}` } satisfies Way]
    : []),
];

/** Returns the way as the end of a test's name. */
export function wayName({ egress, queues, fastPath, rings }: Way): string {
  const named = `egress "${egress}" and ${queues} queue${queues === 1 ? '' : 's'}`;
  const more = fastPath ? `, and the fast path ${fastPath}` : rings ? ', and a ring' : '';
  return `${named}${more}`;
}

/** Returns the way as options of a director. */
export function wayOptions({ egress, queues, fastPath, rings }: Way) {
  return {
    egress,
    ...(fastPath !== undefined && { fastPath }),
    ...(rings !== undefined && { rings }),
    device: { name: 'tunvs0', queues },
  } satisfies Partial<DirectorOpenOptions>;
}
