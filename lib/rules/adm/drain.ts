/**
 * `-d --drain [SECONDS]` and `-D --drain [SECONDS]`: the servers get no new connections, and the deletion waits until
 * those that they have are over. When the seconds are over first, what is left is ended.
 */
import type { RealServer } from '../../director/virtual-service.js';
import { within } from '../../values/within.js';
import { type Command, serviceFamily } from '../command.js';
import { noSuchServer, noSuchService, serviceNotDefined } from '../refusals.js';
import type { RulesSession } from '../session.js';

type Deletion = Extract<Command, { command: 'deleteServer' | 'deleteService' }>;

export function isDeletion(command: { command: string }): command is Deletion {
  return command.command === 'deleteServer' || command.command === 'deleteService';
}

/** How often a piece is given out while nothing happens, so that a caller who is gone is noticed. */
const SIGN_OF_LIFE_MS = 1000;

/**
 * Waits for the end of the drain. Yields an empty text every second. When the caller returns, or `signal` is aborted,
 * the waiting ends: the servers stay drained, and are not deleted.
 */
export async function* drainFirst(
  session: RulesSession,
  deletion: Deletion,
  seconds: number | 'endless',
  signal: AbortSignal | undefined,
): AsyncGenerator<string> {
  const servers = drained(session, deletion);
  const gone = new AbortController();
  const either = signal ? AbortSignal.any([signal, gone.signal]) : gone.signal;
  const deadline = seconds === 'endless' ? {} : { deadlineMs: seconds * 1000 };
  const drains = Promise.all(servers.map((server) => server.drain({ ...deadline, signal: either })));
  let isOver = false;
  const over = () => {
    isOver = true;
  };
  const end = drains.then(over, over);
  try {
    while (!isOver) {
      await within(SIGN_OF_LIFE_MS, end);
      if (!isOver) yield '';
    }
    await drains;
  } finally {
    gone.abort();
  }
}

function drained({ target }: RulesSession, deletion: Deletion): RealServer[] {
  const { service: id } = deletion;
  return target.transaction((transaction) => {
    const key = id.kind === 'mark' ? { mark: id.mark, family: serviceFamily(id) } : id;
    const service = transaction.virtualService(key);
    if (!service) throw (deletion.command === 'deleteServer' ? serviceNotDefined : noSuchService)(id);
    if (deletion.command === 'deleteService') return service.realServers;
    const server = service.realServer(deletion.server);
    if (!server) throw noSuchServer(id, deletion.server);
    return [server];
  });
}
