/** Asks ip(8) questions whose failure must not be taken for "nothing is there". */
import { TunvsError } from '../values/errors.js';
import type { Host } from './host.js';
import { type Kept, keptFor } from './one-moment.js';

/** Returns what ip(8) prints about what is there, which may be nothing. A failure throws: it never means nothing. */
export function ask(host: Host, argv: readonly string[]): string {
  const said = host.query(argv);
  if (said !== undefined) return said;
  const command = argv.join(' ');
  throw new TunvsError(
    'ERR_TUNVS_HOST',
    `"${command}" failed, so tunvs does not know what this host has and changes nothing: run it by hand to see what it ` +
      'says (it needs iproute2 4.17 or newer, and the right to read routing rules)',
  );
}

/** A snapshot always gives the same answer, and is asked for every virtual address. */
const parsed: Kept<string, unknown[]> = new WeakMap();

/** Does the same where the answer is JSON. */
export function askJson<T>(host: Host, argv: readonly string[]): T[] {
  return keptFor(parsed, host, argv.join(' '), () => parse(host, argv)) as T[];
}

function parse<T>(host: Host, argv: readonly string[]): T[] {
  const said = ask(host, argv);
  try {
    return said.trim() === '' ? [] : (JSON.parse(said) as T[]);
  } catch (cause) {
    throw new TunvsError(
      'ERR_TUNVS_HOST',
      `"${argv.join(' ')}" printed something other than JSON, so tunvs does not know what this host has and changes nothing: ` +
        'install iproute2 4.17 or newer (apt install iproute2)',
      { cause },
    );
  }
}
