/** The body of a request: `{"argv":[...],"stdin":"..."}`. */
import { StringDecoder } from 'node:string_decoder';
import { AdmFailure } from './failure.js';

const MAX_INPUT_BYTES = 64 * 1024 * 1024;

export const requestBody = (argv: readonly string[]): string => JSON.stringify({ argv, stdin: '' });

/** In pieces, so that the input is never held as a whole. */
export async function* requestWithInput(argv: readonly string[], input: AsyncIterable<Buffer>): AsyncGenerator<string> {
  yield `{"argv":${JSON.stringify(argv)},"stdin":"`;
  const decoder = new StringDecoder('utf8');
  let bytes = 0;
  for await (const chunk of input) {
    bytes += chunk.length;
    if (bytes > MAX_INPUT_BYTES) throw new AdmFailure('the rules are longer than 64 MiB: restore them in parts');
    const text = escaped(decoder.write(chunk));
    if (text !== '') yield text;
  }
  yield `${escaped(decoder.end())}"}`;
}

/** A decoder never parts the two halves of a character, so each piece is escaped for itself. */
const escaped = (text: string): string => JSON.stringify(text).slice(1, -1);
