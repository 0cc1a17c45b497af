/** Handles SIGHUP as daemons do: it reads the configuration again. */
import type { Attachment } from './daemon.js';

/**
 * `reload` handles whatever goes wrong: it does not reject. A signal during a reload makes one more after it, so that the
 * newest configuration is read last.
 */
export function onHangup(reload: (running: Parameters<Attachment>[0]) => Promise<void>): Attachment {
  return (running) => {
    let last = Promise.resolve();
    let isDue = false;
    const hangup = () => {
      if (isDue) return;
      isDue = true;
      last = last.then(() => {
        isDue = false;
        return running.over.aborted ? undefined : reload(running);
      });
    };
    process.on('SIGHUP', hangup);
    return { detach: () => process.off('SIGHUP', hangup) };
  };
}
