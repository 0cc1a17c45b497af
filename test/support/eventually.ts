import { strict as assert } from 'node:assert';
import { setTimeout as delay } from 'node:timers/promises';

/** Polls until `isSo`, for half a minute at most; then says what was seen last. */
export async function eventually<T>(read: () => Promise<T>, isSo: (seen: T) => boolean, what: string): Promise<T> {
  let seen = await read();
  for (let tries = 0; tries < 300 && !isSo(seen); tries++) {
    await delay(100);
    seen = await read();
  }
  assert.ok(isSo(seen), `${what}; seen last: ${JSON.stringify(seen)}`);
  return seen;
}

/** Waits until `holds` does not throw; rethrows after ten seconds, which no healthy run needs. */
export async function eventuallyHolds(holds: () => Promise<void>): Promise<void> {
  for (let look = 0; look < 200; look++) {
    try {
      return await holds();
    } catch {
      await delay(50);
    }
  }
  await holds();
}
