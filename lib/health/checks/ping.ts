/** The check by an echo request (ping) of the server's own address. */
import { randomFillSync, randomInt } from 'node:crypto';
import { getSystemErrorName } from 'node:util';
import { native } from '../../native/addon.js';
import type { NativePinger, NativePingOutcome } from '../../native/pinger.js';
import { type Check, CheckFailure, type Finding, passed } from './check.js';
import { defineKind } from './kind.js';
import { socketFailure } from './socket-failure.js';
import { UnderWay } from './under-way.js';

/**
 * The options of a check by an echo request.
 *
 * @example
 * ```ts
 * import type { PingCheckOptions } from 'tunvs/health';
 *
 * const options: PingCheckOptions = { size: 56 };
 * console.log(options.size); // 56
 * ```
 */
export interface PingCheckOptions {
  /** The bytes of payload. */
  size?: number;
}

/** What no other knows stands in front of the payload, so that nobody answers for the server unseen. */
const TOKEN_BYTES = 16;

export const ping = defineKind<PingCheckOptions, 'size'>({
  name: 'ping',
  description: "Passes when the server's own address answers an echo request (ICMP), whichever way other checks take.",
  needsWay: false,
  options: {
    size: {
      type: 'integer',
      min: TOKEN_BYTES,
      max: 65_000,
      default: 128,
      description: 'Sets the bytes of payload of the echo request.',
    },
  },
  prepare:
    ({ size }) =>
    ({ server, signal }) => {
      const payload = Buffer.alloc(size, 0x5a);
      randomFillSync(payload, 0, TOKEN_BYTES);
      return answerOf(server.address, payload, signal);
    },
});

let pinger: NativePinger | undefined;
const underWay = new UnderWay<NativePingOutcome>();

function answerOf(address: string, payload: Uint8Array, signal: AbortSignal): Promise<Finding> {
  return new Promise((resolve, reject) => {
    signal.throwIfAborted();
    pinger ??= new native.Pinger((outcomes) => {
      for (const outcome of outcomes) underWay.end(outcome.ping, outcome);
    });
    const number = sent(pinger, address, payload);
    const ended = () => {
      pinger?.cancel(number);
      underWay.forget(number);
      reject(signal.reason);
    };
    signal.addEventListener('abort', ended, { once: true });
    underWay.add(number, (outcome) => {
      signal.removeEventListener('abort', ended);
      if (outcome.isAnswered) resolve(passed('answered'));
      else reject(pingFailure(outcome));
    });
  });
}

function sent(by: NativePinger, address: string, payload: Uint8Array): number {
  try {
    return by.ping(address, randomInt(65_536), payload);
  } catch (error) {
    const { code, message, errno } = error as Error & { code?: string; errno?: number };
    // The sentence of a permission has the mend.
    if (code === 'ERR_TUNVS_PERMISSION') throw new CheckFailure('failed', message, { cause: error, isOwnFault: true });
    if (errno === undefined) throw new CheckFailure('failed', message, { cause: error });
    throw failureOf(errno);
  }
}

function failureOf(errno: number): CheckFailure {
  const code = getSystemErrorName(-errno);
  return socketFailure(Object.assign(new Error(code), { code }));
}

/** What an error of a ping says of the server. A port that is unreachable is the answer of no ping. */
export function pingFailure({ errno = 0, icmp }: NativePingOutcome): CheckFailure {
  const { message, mend } = failureOf(errno);
  if (!icmp) return failureOf(errno);
  const said = `ICMP type ${icmp.type} code ${icmp.code} from ${icmp.from}: ${message}`;
  return new CheckFailure('unreachable', said, mend === undefined ? {} : { mend });
}

/**
 * Makes a check that pings the server's own address. It never asks by the virtual address: the director itself answers
 * pings of that, so they say nothing of a server.
 *
 * @example
 * ```ts
 * import { pingCheck } from 'tunvs/health';
 *
 * const check = pingCheck({ size: 56 });
 * console.log(check.kind); // ping
 * ```
 */
export const pingCheck = (options: PingCheckOptions = {}): Check => ping.make(options);
