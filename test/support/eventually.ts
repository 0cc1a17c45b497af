/** Waiting for what happens beside a test. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Until `holds` does not throw; what it throws after ten seconds, which no healthy run needs. */
export async function eventually(holds: () => Promise<void>): Promise<void> {
  for (let look = 0; look < 200; look++) {
    try {
      return await holds();
    } catch {
      await sleep(50);
    }
  }
  await holds();
}
