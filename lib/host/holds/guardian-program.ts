/**
 * What a guardian becomes when its holder was killed: `node guardian-program.js FOLDER ID`. It waits until the kernel
 * has closed what the holder had open, then takes back what nobody else holds. What other killed holders have left is
 * their own guardians' business: a successor may have been killed a moment ago, and have one itself.
 *
 * Routes that prevent loops stay for as long as the host forwards: without them, and without a director, the host would
 * send packets back to where they come from. The next start removes them.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { native } from '../../native/addon.js';
import { thisHost } from '../host.js';
import { FileStore } from './file-store.js';
import { cleanUp, endsLoops } from './undo.js';

/** The kernel closes descriptors within some milliseconds, or more when the connection table was large. */
const LOOKS = 600;
const BETWEEN_LOOKS_MS = 100;

async function main(folder: string, id: string): Promise<void> {
  const store = new FileStore(folder);
  for (let look = 0; look < LOOKS && store.locked(() => store.isHeld(id)); look++) await sleep(BETWEEN_LOOKS_MS);
  try {
    store.locked(() => cleanUp(store, thisHost, { of: id, isDue: (entry) => !endsLoops(thisHost, entry) }));
  } finally {
    native.removeDeadTcFilters();
  }
}

const [folder, id] = process.argv.slice(2);
if (folder === undefined || id === undefined) throw new Error('FOLDER and ID are missing');
await main(folder, id);
