/** What runs beside a director that has taken the place of another: nobody else directs, so none of it may end this one. */
import { setTimeout as delay } from 'node:timers/promises';
import type { Attachment } from '../../daemon/daemon.js';
import type { NameLock } from '../../daemon/name.js';
import type { Tell } from './teller.js';

/** How long the daemon before may take to close. */
const NAME_TIMEOUT_MS = 10_000;

/** The daemon before gives its name back when it has closed everything. */
export async function nameWhenFree(take: () => NameLock, tell: Tell): Promise<NameLock> {
  const until = performance.now() + NAME_TIMEOUT_MS;
  while (true) {
    try {
      return take();
    } catch (error) {
      const { code, message } = error as NodeJS.ErrnoException;
      if (code !== 'ERR_TUNVS_BUSY' || performance.now() > until) {
        tell('error', 'name', `this director has no name yet: ${message}`);
        return { release: () => {} };
      }
      await delay(20);
    }
  }
}

/** A door that does not open is told. */
export function listeningOrTold(attach: Attachment, tell: Tell): Attachment {
  return (running) => {
    const attached = attach(running);
    return {
      ...attached,
      listen: async () => {
        try {
          await attached.listen?.();
        } catch (error) {
          tell('error', 'door', `the director goes on without this: ${(error as Error).message}`);
        }
      },
    };
  };
}
