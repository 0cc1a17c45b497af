/** A TCP connection of a check. */
import { connect, type Socket, type TcpNetConnectOpts } from 'node:net';
import { socketFailure } from '../checks/socket-failure.js';

/** Rejects with a CheckFailure, or with the signal's reason; then the socket is destroyed. */
export function connectSocket(options: TcpNetConnectOpts, signal: AbortSignal): Promise<Socket> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    // An answer to the server's FIN by itself would stand in the way of the reset: see closeNow().
    const socket = connect({ ...options, noDelay: true, allowHalfOpen: true });
    const settle = () => {
      signal.removeEventListener('abort', onAbort);
      socket.off('connect', onConnect).off('error', onError);
      // An error must not end the process while nobody listens; whoever reads the socket sees it as well.
      socket.on('error', ignore);
    };
    const onConnect = () => {
      settle();
      resolve(socket);
    };
    const onError = (error: Error) => {
      settle();
      socket.destroy();
      reject(socketFailure(error));
    };
    const onAbort = () => {
      settle();
      socket.destroy();
      reject(signal.reason);
    };
    socket.on('connect', onConnect).on('error', onError);
    signal.addEventListener('abort', onAbort);
  });
}

function ignore(): void {}
