/** Several attachments as one, which says that it is ready when all of them are. */
import type { Attachment } from './daemon.js';

/** `say` is called once the director can be asked at all of its doors, and not when it has been told to end meanwhile. */
export function readyAfter(attachments: readonly Attachment[], say: () => void): Attachment {
  return (running) => {
    const attached = attachments.map((attach) => attach(running));
    return {
      async ready() {
        await Promise.all(attached.map((each) => each.ready?.()));
        if (!running.over.aborted) say();
      },
      detach() {
        for (const each of attached.toReversed()) each.detach?.();
      },
      async end() {
        for (const each of attached) await each.end?.();
      },
    };
  };
}
