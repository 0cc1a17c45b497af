/**
 * A TCP connection of a check that wants no more than that it is taken. A native thread opens it and resets it at once,
 * which costs less than a stream of Node.
 */
import { getSystemErrorName } from 'node:util';
import { native } from '../../native/addon.js';
import type { NativeKnocker } from '../../native/knocker.js';
import { CheckFailure } from '../checks/check.js';
import { socketFailure } from '../checks/socket-failure.js';
import { UnderWay } from '../checks/under-way.js';

export interface KnockOptions {
  /** An IP address. */
  host: string;
  /** [1, 65535] */
  port: number;
  localAddress?: string;
  localPort?: number;
}

let knocker: NativeKnocker | undefined;
const underWay = new UnderWay<number>();

/** Resolves when the connection was taken. Rejects with a CheckFailure, or with the signal's reason. */
export function knock(options: KnockOptions, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    knocker ??= new native.Knocker((pairs) => {
      for (let at = 0; at < pairs.length; at += 2) underWay.end(pairs[at] as number, pairs[at + 1] as number);
    });
    const number = begun(knocker, options);
    const ended = () => {
      knocker?.cancel(number);
      underWay.forget(number);
      reject(signal.reason);
    };
    signal.addEventListener('abort', ended);
    underWay.add(number, (errno) => {
      signal.removeEventListener('abort', ended);
      if (errno === 0) resolve();
      else reject(failureOf(errno, 'connect'));
    });
  });
}

function begun(by: NativeKnocker, { host, port, localAddress, localPort = 0 }: KnockOptions): number {
  try {
    return localAddress === undefined ? by.knock(host, port) : by.knock(host, port, localAddress, localPort);
  } catch (error) {
    const { message, errno, syscall = '' } = error as Error & { errno?: number; syscall?: string };
    if (errno === undefined) throw new CheckFailure('failed', message, { cause: error });
    throw failureOf(errno, syscall);
  }
}

function failureOf(errno: number, syscall: string): CheckFailure {
  const code = getSystemErrorName(-errno);
  return socketFailure(Object.assign(new Error(`${syscall} ${code}`), { code, syscall }));
}
