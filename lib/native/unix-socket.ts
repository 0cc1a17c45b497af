/** What Node does not say of unix sockets: how long a path may be, and the descriptor of one that is connected. */
import type { Socket } from 'node:net';

/** sun_path of unix(7) has 108 bytes, the last of them zero. */
export const MAX_SOCKET_PATH_BYTES = 107;

/** Node has no public name for it. */
export function descriptorOf(socket: Socket): number {
  return (socket as unknown as { _handle: { fd: number } | null })._handle?.fd ?? -1;
}
