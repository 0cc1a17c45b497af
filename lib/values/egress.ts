/** The ways out of the director that the native part has. */

/** The values of {@link Egress}. */
export const egresses = ['packet', 'raw', 'tun'] as const;

/**
 * Says how forwarded packets leave the director.
 *
 * - `packet` sends frames through AF_PACKET and resolves the neighbour itself. It is the fastest.
 * - `raw` sends packets through a raw socket, and the kernel routes them.
 * - `tun` writes packets back to the device, and the kernel routes them. It needs no privilege beyond the open device.
 */
export type Egress = (typeof egresses)[number];
