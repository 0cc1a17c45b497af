/** The body of a request: `{"argv":[...],"stdin":"..."}`. */
import { StringDecoder } from 'node:string_decoder';
import type { Body } from './ask.js';
import { AdmFailure } from './failure.js';

const MAX_INPUT_BYTES = 64 * 1024 * 1024;
/** What is read before the request begins: a daemon gives a body little time, and whoever types rules takes it. */
const WHOLE_BYTES = 1024 * 1024;

export const requestBody = (argv: readonly string[], stdin = ''): string => JSON.stringify({ argv, stdin });

/** An input that is long is sent in pieces, and never held as a whole. */
export async function requestWithInput(argv: readonly string[], input: AsyncIterable<Buffer>): Promise<Body> {
  const iterator = input[Symbol.asyncIterator]();
  const begun: Buffer[] = [];
  for (let bytes = 0; bytes < WHOLE_BYTES; ) {
    const { done, value } = await iterator.next();
    if (done) return requestBody(argv, Buffer.concat(begun).toString());
    begun.push(value);
    bytes += value.length;
  }
  return inPieces(argv, begun, { [Symbol.asyncIterator]: () => iterator });
}

async function* inPieces(
  argv: readonly string[],
  begun: readonly Buffer[],
  rest: AsyncIterable<Buffer>,
): AsyncGenerator<string> {
  yield `{"argv":${JSON.stringify(argv)},"stdin":"`;
  const decoder = new StringDecoder('utf8');
  for (const chunk of begun) yield escaped(decoder.write(chunk));
  let bytes = begun.reduce((sum, { length }) => sum + length, 0);
  for await (const chunk of rest) {
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) throw new AdmFailure('the rules are longer than 64 MiB: restore them in parts');
    yield escaped(decoder.write(chunk));
  }
  yield `${escaped(decoder.end())}"}`;
}

/** A decoder never parts the two halves of a character, so each piece is escaped for itself. */
const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
