/** News of health as lines of the log, one for each change, with the reason and the mend. The monitor ends with it. */
import type { Attachment } from '../../daemon/daemon.js';
import type { Log, LogLevel } from '../../daemon/log.js';
import type { HealthEvents } from '../../health/events.js';
import { healthEventNames, healthFields, healthSentences } from '../../health/sentences.js';
import type { HealthSlot } from '../../health/view.js';
import { toJson } from '../json.js';
import type { CliIo } from '../verb.js';
import type { Tell } from './teller.js';

type Levels = { readonly [Name in keyof HealthEvents]: (event: HealthEvents[Name][0]) => LogLevel };

const LEVELS: Levels = {
  // At the start there are as many as servers.
  server: ({ isUp, isFirst }) => (isUp ? (isFirst ? 'debug' : 'info') : 'warn'),
  quorum: ({ isUp }) => (isUp ? 'info' : 'error'),
  failOpen: ({ isOpen }) => (isOpen ? 'error' : 'info'),
  warning: () => 'warn',
  ownFault: ({ isOver }) => (isOver ? 'info' : 'error'),
  notifyFailed: () => 'warn',
  applyFailed: () => 'error',
  late: () => 'warn',
};

export interface HealthTold {
  tell: Tell;
  log: Log | undefined;
  io: CliIo;
  isJson: boolean;
}

export function followHealth(slot: HealthSlot, { tell, log, io, isJson }: HealthTold): Attachment {
  return () => {
    const told = healthEventNames.map((name) =>
      slot.listen(name, (event: object) => {
        const level = LEVELS[name](event as never);
        const fields = healthFields(name, event);
        if (isJson) io.stdout.write(`${toJson({ event: 'health', about: name, ...fields })}\n`);
        // Without a log, standard error gets what somebody has to know.
        if (log === undefined && (isJson || level === 'debug')) return;
        tell(level, `health.${name}`, healthSentences[name](event as never), fields);
      }),
    );
    let closed: Promise<void> | undefined;
    return {
      detach: () => {
        closed = slot.monitor?.close?.();
      },
      async end() {
        await closed;
        for (const off of told) off();
      },
    };
  };
}
