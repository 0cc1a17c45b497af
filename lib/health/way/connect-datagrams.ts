/** A UDP socket of a check, connected to the server: the kernel keeps other senders out and brings ICMP errors. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import type { Datagrams } from '../checks/check.js';
import { socketFailure } from '../checks/socket-failure.js';

/** How many datagrams wait for receive(); those beyond are dropped, as the kernel does when its buffer is full. */
const MAX_WAITING = 32;

export interface DatagramEnds {
  address: string;
  port: number;
  /** The source; the kernel's choice by default. */
  localAddress?: string;
  localPort?: number;
  /** Whether another socket may have the same source address and port; by default it may not. */
  isShared?: boolean;
}

/** Rejects with a CheckFailure, or with the signal's reason; then the socket is closed. */
export async function connectDatagrams(ends: DatagramEnds, signal: AbortSignal): Promise<Datagrams> {
  signal.throwIfAborted();
  const socket = createSocket({ type: isIPv6(ends.address) ? 'udp6' : 'udp4', reuseAddr: ends.isShared ?? false });
  try {
    await opened(socket, ends, signal);
    return new ConnectedDatagrams(socket);
  } catch (error) {
    socket.on('error', () => {}).close();
    throw error;
  }
}

function opened(socket: Socket, { address, port, localAddress, localPort }: DatagramEnds, signal: AbortSignal) {
  return new Promise<void>((resolve, reject) => {
    const onAbort = () => settle(() => reject(signal.reason));
    const settle = (done: () => void) => {
      signal.removeEventListener('abort', onAbort);
      socket.removeAllListeners();
      done();
    };
    signal.addEventListener('abort', onAbort);
    socket.once('error', (error) => settle(() => reject(socketFailure(error))));
    socket.once('connect', () => settle(resolve));
    socket.once('listening', () => socket.connect(port, address));
    socket.bind({
      port: localPort ?? 0,
      exclusive: true,
      ...(localAddress !== undefined && { address: localAddress }),
    });
  });
}

class ConnectedDatagrams implements Datagrams {
  readonly #socket: Socket;
  readonly #waiting: Buffer[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;
  #isClosed = false;

  constructor(socket: Socket) {
    this.#socket = socket;
    socket.on('message', (datagram) => {
      if (this.#waiting.length >= MAX_WAITING) return;
      this.#waiting.push(datagram);
      this.#wake?.();
    });
    socket.on('error', (error) => this.#fail(error));
  }

  send(payload: Uint8Array): void {
    // The kernel gives an ICMP error to the next call, which may be this one.
    this.#socket.send(payload, (error) => {
      if (error) this.#fail(error);
    });
  }

  receive(signal: AbortSignal): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      const finish = (done: () => void) => {
        this.#wake = undefined;
        signal.removeEventListener('abort', wake);
        done();
      };
      const wake = () => {
        const next = this.#waiting.shift();
        if (next !== undefined) return finish(() => resolve(next));
        if (this.#failure !== undefined) return finish(() => reject(this.#failure));
        if (signal.aborted) return finish(() => reject(signal.reason));
      };
      this.#wake = wake;
      signal.addEventListener('abort', wake);
      wake();
    });
  }

  [Symbol.dispose](): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#socket.close();
    this.#fail(new Error('the socket is closed'));
  }

  #fail(error: Error): void {
    this.#failure ??= socketFailure(error);
    this.#wake?.();
  }
}
