/** The check by a datagram: an answer, or no ICMP error that says that nobody takes it. */
import { setTimeout as delay } from 'node:timers/promises';
import { refuse } from '../../values/options.js';
import { beginsWith, parseHex, parsePattern, shownBytes } from './udp/byte-pattern.js';
import { type Check, CheckFailure, type Datagrams, type Finding, passed } from './check.js';
import { defineKind, portOption } from './kind.js';

/**
 * The options of a check by a datagram.
 *
 * @example
 * ```ts
 * import type { UdpCheckOptions } from 'tunvs/health';
 *
 * const options: UdpCheckOptions = { payload: 'ping', expect: 'pong' };
 * console.log(options.expect); // pong
 * ```
 */
export interface UdpCheckOptions {
  /** The port that the datagram is sent to, in place of the one that the service has. */
  port?: number;
  /** What is sent, as text. */
  payload?: string;
  /** What is sent, in hexadecimal. Without this and `payload`, 32 bytes of zero are sent. */
  payloadHex?: string;
  /** Text with which the answer has to begin. */
  expect?: string;
  /** What the answer has to begin with, in hexadecimal; x stands for any digit. */
  expectHex?: string;
  /** The least bytes of an answer. */
  minLength?: number;
  /** The most bytes of an answer. */
  maxLength?: number;
  /** Whether silence fails. */
  requireReply?: boolean;
  /** The milliseconds of silence, without an ICMP error, after which a server passes that need not answer. */
  quietMs?: number;
}

const MAX_PAYLOAD = 1232;
const MAX_DATAGRAM = 65_507;
const USUAL_PAYLOAD = Buffer.alloc(32);

/** What the answer has to be. */
interface Expectation {
  begins: (answer: Uint8Array) => boolean;
  minLength: number;
  maxLength: number;
}

export const udp = defineKind<UdpCheckOptions, 'minLength' | 'maxLength' | 'quietMs'>({
  name: 'udp',
  description: 'Passes when the server answers a datagram as expected, or sends no ICMP error if it need not answer.',
  options: {
    port: portOption,
    payload: { type: 'string', what: 'a text', maxLength: MAX_PAYLOAD, description: 'Sets the text that is sent.' },
    payloadHex: {
      type: 'string',
      what: 'bytes in hexadecimal',
      parse: parseHex,
      maxLength: 3 * MAX_PAYLOAD,
      description: 'Sets the bytes that are sent, in hexadecimal.',
      defaultSaid: '32 bytes of zero, without payload',
    },
    expect: {
      type: 'string',
      what: 'a text',
      maxLength: MAX_PAYLOAD,
      description: 'Sets the text with which the answer has to begin.',
    },
    expectHex: {
      type: 'string',
      what: 'bytes in hexadecimal, where x is any digit',
      parse: parsePattern,
      maxLength: 3 * MAX_PAYLOAD,
      description: 'Sets the bytes with which the answer has to begin, in hexadecimal; x stands for any digit.',
    },
    minLength: {
      type: 'integer',
      min: 0,
      max: MAX_DATAGRAM,
      default: 0,
      description: 'Sets the least bytes that an answer has to have.',
    },
    maxLength: {
      type: 'integer',
      min: 0,
      max: MAX_DATAGRAM,
      default: MAX_DATAGRAM,
      description: 'Sets the most bytes that an answer may have.',
    },
    requireReply: {
      type: 'boolean',
      description: 'Says whether silence fails.',
      defaultSaid: 'true with expect, expectHex or minLength, otherwise false',
    },
    quietMs: {
      type: 'duration',
      minMs: 1,
      default: 500,
      description: 'Sets the silence without an ICMP error that passes; the timeout of the check has to be longer.',
    },
  },
  prepare: (options) => {
    const { port, payload, payloadHex, minLength, maxLength, quietMs } = options;
    if (payload !== undefined && payloadHex !== undefined) refuse('udp: payloadHex', payloadHex, 'none with payload');
    if (minLength > maxLength) refuse('udp: minLength', minLength, `at most maxLength, ${maxLength}`);
    const sent = payloadHex === undefined ? Buffer.from(payload ?? USUAL_PAYLOAD) : parseHex(payloadHex);
    if (sent.length > MAX_PAYLOAD)
      refuse(payload === undefined ? 'udp: payloadHex' : 'udp: payload', sent.length, `at most ${MAX_PAYLOAD} bytes`);
    const expected = { begins: beginning(options), minLength, maxLength };
    const isRequired = options.requireReply ?? (isExpecting(options) || minLength > 0);
    if (!isRequired && isExpecting(options)) refuse('udp: requireReply', false, 'true with expect or expectHex');
    return async ({ way, signal }) => {
      using datagrams = await way.datagrams(signal, port === undefined ? {} : { port });
      datagrams.send(sent);
      const answer = isRequired ? await datagrams.receive(signal) : await answerOrSilence(datagrams, quietMs, signal);
      return answer === undefined ? passed('no answer, and no ICMP error') : judged(answer, expected);
    };
  },
});

const isExpecting = ({ expect, expectHex }: UdpCheckOptions) => expect !== undefined || expectHex !== undefined;

function beginning({ expect, expectHex }: UdpCheckOptions): Expectation['begins'] {
  if (expect !== undefined && expectHex !== undefined) refuse('udp: expectHex', expectHex, 'none with expect');
  if (expectHex !== undefined) {
    const pattern = parsePattern(expectHex);
    return (answer) => beginsWith(answer, pattern);
  }
  const text = Buffer.from(expect ?? '');
  return (answer) => text.equals(answer.subarray(0, text.length));
}

/** Answers undefined for silence. */
async function answerOrSilence(
  datagrams: Datagrams,
  quietMs: number,
  signal: AbortSignal,
): Promise<Buffer | undefined> {
  const ended = new AbortController();
  const either = AbortSignal.any([signal, ended.signal]);
  const answer = datagrams.receive(either);
  try {
    return await Promise.race([answer, delay(quietMs, undefined, { signal: either })]);
  } catch (error) {
    // A timer has an error of its own around the reason.
    signal.throwIfAborted();
    throw error;
  } finally {
    ended.abort();
    // The one that has lost rejects with this.
    answer.catch(() => {});
  }
}

function judged(answer: Buffer, { begins, minLength, maxLength }: Expectation): Finding {
  const size = `${answer.length} bytes`;
  if (answer.length < minLength)
    throw new CheckFailure('wrong answer', `an answer of ${size}, of less than ${minLength}`);
  if (answer.length > maxLength)
    throw new CheckFailure('wrong answer', `an answer of ${size}, of more than ${maxLength}`);
  if (!begins(answer)) throw new CheckFailure('wrong answer', `an answer of ${size} that begins ${shownBytes(answer)}`);
  return passed(`an answer of ${size}`);
}

/**
 * Makes a check that sends a datagram. It passes when the answer is as expected; when none is expected, an ICMP error
 * fails it, and silence does not.
 *
 * @example
 * ```ts
 * import { udpCheck } from 'tunvs/health';
 *
 * const check = udpCheck({ payload: 'ping', expect: 'pong' });
 * console.log(check.kind); // udp
 * ```
 */
export const udpCheck = (options: UdpCheckOptions = {}): Check => udp.make(options);
