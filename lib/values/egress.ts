/** The ways out of the director that the native part has. */

/**
 * `packet`: AF_PACKET, the neighbour resolved here, the fastest. `raw`: a raw socket, the kernel routes.
 * `tun`: written back to the device, the kernel routes; needs no privilege beyond the open device.
 */
export const egresses = ['packet', 'raw', 'tun'] as const;

/** How forwarded packets leave the director. */
export type Egress = (typeof egresses)[number];
