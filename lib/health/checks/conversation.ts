/** What checks over TCP have in common: they connect, say something, read until they know, and leave nothing open. */
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { type CheckContext, CheckFailure } from './check.js';
import { socketFailure } from './socket-failure.js';

/** Judges an answer piece by piece. Both methods may throw a CheckFailure. */
export interface AnswerReader<T> {
  /** Returns undefined as long as it needs more. It must keep no more memory than a bound. */
  take(piece: Buffer): T | undefined;
  /** Is called when the server has ended its side. */
  end(): T;
}

/** Connects to the server, runs `talk`, and destroys the socket, whatever happens. */
export async function converse<T>(
  { way, signal }: Pick<CheckContext, 'way' | 'signal'>,
  port: number | undefined,
  talk: (socket: Socket) => T | Promise<T>,
): Promise<T> {
  const socket = await connectTo({ way, signal }, port);
  try {
    return await talk(socket);
  } finally {
    closeNow(socket);
  }
}

/**
 * Resets the connection unless it has ended, so that this host keeps no TIME_WAIT for it. A reset while a FIN is on its
 * way out would leak the descriptor: libuv refuses it, and Node 20 takes the socket for closed.
 */
export function closeNow(socket: Socket): void {
  if (socket.destroyed) return;
  if (socket.writableEnded) socket.destroy();
  else socket.resetAndDestroy();
}

/** Sees that the server takes a connection. */
export async function knockAt(context: Pick<CheckContext, 'way' | 'signal'>, port: number | undefined): Promise<void> {
  const { way, signal } = context;
  if (way.knock === undefined) return converse(context, port, () => {});
  await connecting(signal, way.knock(signal, port === undefined ? undefined : { port }));
}

function connectTo({ way, signal }: Pick<CheckContext, 'way' | 'signal'>, port: number | undefined): Promise<Socket> {
  return connecting(signal, way.connect(signal, port === undefined ? undefined : { port }));
}

async function connecting<T>(signal: AbortSignal, connected: Promise<T>): Promise<T> {
  try {
    return await connected;
  } catch (error) {
    if (signal.aborted && error === signal.reason) throw timedOut('no answer to the connection', error);
    throw error;
  }
}

export const timedOut = (message: string, cause: unknown) => new CheckFailure('timeout', message, { cause });

/**
 * Writes `request`, if there is one, and feeds the reader until it knows. `silence` is the message when the time is
 * over. The stream stays open.
 */
export function ask<T>(
  stream: Duplex,
  signal: AbortSignal,
  request: string | Uint8Array | undefined,
  reader: AnswerReader<T>,
  silence: () => string,
): Promise<T> {
  return new Promise((resolve, reject) => {
    const settle = (done: () => void) => {
      signal.removeEventListener('abort', onAbort);
      stream.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose);
      stream.pause();
      done();
    };
    const guarded = (read: () => T | undefined) => {
      try {
        const value = read();
        if (value !== undefined) settle(() => resolve(value));
      } catch (error) {
        settle(() => reject(error));
      }
    };
    const onData = (piece: Buffer) => guarded(() => reader.take(piece));
    const onEnd = () => guarded(() => reader.end());
    const onError = (error: Error) => settle(() => reject(socketFailure(error)));
    const onClose = () => settle(() => reject(new CheckFailure('closed', 'connection closed')));
    const onAbort = () => settle(() => reject(timedOut(silence(), signal.reason)));
    if (signal.aborted) return reject(timedOut(silence(), signal.reason));
    if (stream.destroyed)
      return reject(socketFailure(stream.errored ?? new CheckFailure('closed', 'connection closed')));
    signal.addEventListener('abort', onAbort);
    stream.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose);
    if (request !== undefined) stream.write(request);
  });
}
