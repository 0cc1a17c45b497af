/** Prints the words that may stand at the cursor, one a line; the shells' scripts ask for them. */
import { socketOfDaemon } from '../socket.js';
import { ask } from '../ask.js';
import { requestBody } from '../body.js';
import type { Call } from '../call.js';
import { write } from '../output.js';
import { candidates, type Running } from './candidates.js';

const STDOUT = 1;
/** A user waits for the words, so a daemon that is slow to answer is as one that is not there. */
const PATIENCE_MS = 1000;

export async function complete({ socket, completed = [] }: Call): Promise<number> {
  const words = await candidates(completed, () => running(daemonOf(completed) ?? socket));
  if (words.length > 0) write(STDOUT, `${words.join('\n')}\n`);
  return 0;
}

/** The completed line may name a daemon of its own. */
function daemonOf(words: readonly string[]): string | undefined {
  for (const [index, word] of words.entries()) {
    const next = words[index + 1];
    if (word === '--socket') return next;
    if (word === '--name' && next !== undefined) return socketOfDaemon(next, process.env);
  }
  return undefined;
}

/** Reads the services and servers out of what `-S -n` prints. */
async function running(socket: string): Promise<Running[]> {
  let saved = '';
  try {
    for await (const piece of ask(socket, requestBody(['-S', '-n']), AbortSignal.timeout(PATIENCE_MS))) {
      if ('out' in piece) saved += piece.out;
    }
  } catch {
    // Completion is silent.
  }
  return saved.split('\n').flatMap((line) => {
    const [, command, option, service, next, server] = /^-([Aa]) (\S+) (\S+)(?: -6)?(?: (-r) (\S+))?/.exec(line) ?? [];
    if (option === undefined || service === undefined) return [];
    return [{ option, service, ...(command === 'a' && next && server && { server }) }];
  });
}
