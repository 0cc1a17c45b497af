/** Hears answers to a check that come from another address than was asked, which the check's own socket never sees. */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';
import { socketFailure } from '../checks/socket-failure.js';

export interface StrangeAnswers extends Disposable {
  /** Who answered first; undefined when nobody has. */
  readonly from: string | undefined;
}

/**
 * REQUIRES: the check's socket binds to the same address and port afterwards, shares them, and is connected: the kernel
 * then gives it what comes from the virtual address, and the rest to this one. `port` is the one that was asked.
 */
export async function hearStrangers(ends: { localAddress: string; localPort: number; port: number }) {
  const socket = createSocket({ type: isIPv6(ends.localAddress) ? 'udp6' : 'udp4', reuseAddr: true });
  let from: string | undefined;
  socket.on('message', (_, sender) => {
    if (sender.port === ends.port) from ??= sender.address;
  });
  try {
    socket.bind({ port: ends.localPort, address: ends.localAddress, exclusive: true });
    await once(socket, 'listening');
  } catch (error) {
    socket.close();
    throw socketFailure(error);
  }
  socket.on('error', () => {});
  let isClosed = false;
  const heard: StrangeAnswers = {
    get from() {
      return from;
    },
    [Symbol.dispose]() {
      if (!isClosed) socket.close();
      isClosed = true;
    },
  };
  return heard;
}
