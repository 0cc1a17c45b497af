/** What the kernel may leave to the director, and the director to the kernel. */

/** The values of {@link Offload}. */
export const offloads = ['tso', 'uso', 'gue'] as const;

/**
 * Names an offload, by which packets go through the director in larger units.
 *
 * - `tso` reads TCP from the device as super-packets of up to 64 KB, which are cut into segments when they are sent.
 * - `uso` does the same with UDP, whose super-packets are cut into datagrams.
 * - `gue` sends such packets to real servers of GUE with outer checksums as trains, which the kernel cuts.
 */
export type Offload = (typeof offloads)[number];

/** Says which offloads to use: all that work here, none, or these and no others. */
export type OffloadChoice = 'auto' | 'off' | readonly Offload[];
