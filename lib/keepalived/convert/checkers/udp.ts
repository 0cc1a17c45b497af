/** UDP_CHECK: no ICMP error before the timeout, or an answer. */
import type { Statement } from '../../language/statements.js';
import { durationText, last, type Values } from '../values.js';
import { type CheckerKind, checkOf, connection } from './checker.js';

const MAX_LENGTH = 65_507;
/** keepalived reads no more of an answer. */
const DEFAULT_MOST = 255;
/** A check that waits for silence is given this much longer than the silence. */
const AFTER_SILENCE_MS = 500;

export const UDP_CHECK: CheckerKind = {
  timing: { retries: 1, retryDelayMs: 1000, timeout: 'connect_timeout' },
  make: (checker, { timeoutMs, fields }, context) => {
    const { values } = context;
    const payload = last(checker.block, 'payload');
    const reply = last(checker.block, 'require_reply');
    const least = last(checker.block, 'min_reply_length');
    const most = last(checker.block, 'max_reply_length');
    const options = connection(checker.block, checker, context)
      .set('payloadHex', payload && hex(payload, /^[0-9A-Fa-f]+$/, values), payload?.place)
      .set('requireReply', reply && true, reply?.place);
    if (reply === undefined) {
      options.set('quiet', durationText(timeoutMs));
      fields.set('timeout', durationText(timeoutMs + AFTER_SILENCE_MS), fields.placeOf('timeout'));
    } else {
      options
        .set('expectHex', reply.words.length > 0 ? hex(reply, /^[0-9A-Fa-fxX]+$/, values) : undefined, reply.place)
        .set('minLength', values.integer(least, 0, MAX_LENGTH), least?.place)
        .set('maxLength', values.integer(most, 0, MAX_LENGTH) ?? DEFAULT_MOST, most?.place);
    }
    return [{ check: checkOf('udp', options), timing: fields }];
  },
};

/** Digits go by pairs from the left of each word, and one that is left over is a byte: `Ab12f 3` is AB 12 0F 03. */
export function hex(statement: Statement, digits: RegExp, values: Values): string | undefined {
  const { words } = statement;
  if (words.length === 0 || !words.every((word) => digits.test(word)))
    return values.refuse(statement, words.join(' ') || undefined, 'bytes in hexadecimal, as in 0a 1b2c');
  return words
    .flatMap((word) => (word.match(/..?/g) ?? []).map((pair) => pair.padStart(2, '0')))
    .join('')
    .toLowerCase();
}
