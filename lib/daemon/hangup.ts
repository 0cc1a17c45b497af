/** Handles SIGHUP as daemons do: it reads the configuration again. */
import type { Attachment } from './daemon.js';

/** `reload` handles whatever goes wrong: it does not reject. */
export function onHangup(reload: (running: Parameters<Attachment>[0]) => Promise<void>): Attachment {
  return (running) => {
    const hangup = () => void reload(running);
    process.on('SIGHUP', hangup);
    return { detach: () => process.off('SIGHUP', hangup) };
  };
}
