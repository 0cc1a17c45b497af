/**
 * Opens a door at the path of its argument, prints "ready", and for each line that it reads the bytes of its heap, swept.
 * Run it with --expose-gc. Ends with its input.
 */
import { createInterface } from 'node:readline';
import { openDoor } from '../../../lib/control/door/open-door.js';

const [path = ''] = process.argv.slice(2);
const limits = { clientsPerSecond: 10_000, requestsPerSecond: 10_000, loopShare: 1 };
const door = await openDoor({
  fetch: async (request) => new Response(await request.text()),
  socket: { path },
  limits,
});
console.log('ready');
for await (const _ of createInterface({ input: process.stdin })) {
  // What the first sweep finalizes, the second frees.
  global.gc?.();
  await new Promise((resolve) => setImmediate(resolve));
  global.gc?.();
  console.log(process.memoryUsage().heapUsed);
}
await door.close();
