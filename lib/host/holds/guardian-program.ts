/**
 * What a guardian becomes when its holder was killed: `node guardian-program.js FOLDER ID`. It waits until the kernel
 * has closed what the holder had open, and takes back what nobody else holds.
 *
 * Routes that end loops stay for as long as the host forwards: without them, and without a director, the host would send
 * the packets back to where they come from. The next start takes them away.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../host.js';
import { thisHost } from '../host.js';
import { type Entry, isFallback } from './entry.js';
import { FileStore } from './file-store.js';
import { cleanUp } from './undo.js';

/** Closing takes the kernel some milliseconds, or longer when the table was large. */
const LOOKS = 600;
const BETWEEN_LOOKS_MS = 100;

function isDue(host: Host, { undo }: Entry): boolean {
  const path = 'argv' in undo && undo.argv.includes('-6') ? 'net/ipv6/conf/all/forwarding' : 'net/ipv4/ip_forward';
  return host.readSysctl(path) !== '1';
}

async function main(folder: string, id: string): Promise<void> {
  const store = new FileStore(folder);
  for (let look = 0; look < LOOKS && store.locked(() => store.isHeld(id)); look++) await sleep(BETWEEN_LOOKS_MS);
  store.locked(() => cleanUp(store, thisHost, { isDue: (entry) => !isFallback(entry) || isDue(thisHost, entry) }));
}

const [folder, id] = process.argv.slice(2);
if (folder === undefined || id === undefined) throw new Error('FOLDER and ID are missing');
await main(folder, id);
