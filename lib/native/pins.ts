/** Flows that are pinned to a real server, as the native part knows them; see native/director/connection/pin.h. */

/** What pins lead to, which only the native part reads. */
export type NativePinTarget = object & { readonly __isPinTarget: never };

/** How pin() takes a flow; places cost less than names. */
export type NativePin = [
  /** IP protocol number (6 TCP, 17 UDP, 132 SCTP). */
  protocol: number,
  sourceAddress: string,
  /** [1, 65535] */
  sourcePort: number,
  virtualAddress: string,
  /** [1, 65535] */
  virtualPort: number,
  /** [1, 3600000] */
  ttlMs: number,
  /** TTL or hop limit that the flow's packets must have, [1, 255]; 0 for any. */
  hopLimit: number,
];

export interface NativePinReport {
  packets: number;
  bytes: number;
  /** Packets that were not forwarded, by their verdicts. */
  kept: Record<string, number>;
  icmp?: { type: number; code: number; from: string; isOfTunnel: boolean };
}
