/** Holds a door open at the path that it is given until it is killed. */
import { openDoor } from '../../../lib/control/door/open-door.js';

const [path = '', group] = process.argv.slice(2);
await openDoor({ fetch: () => new Response('held'), socket: { path, ...(group && { group }) }, name: 'web' });
process.stdout.write('open\n');
