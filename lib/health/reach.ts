/** How the checks of a monitor reach real servers. */
import type { Director } from '../director/director.js';
import { CheckFailure, type CheckContext } from './checks/check.js';
import type { Reach } from './probe.js';

export function reachBy(_director: Director): Reach {
  return async (check, server, _how, signal) => {
    if (check.needsWay) throw new CheckFailure('failed', `${check.kind}: there is no way to the server yet`);
    return check.run({ server, signal } as unknown as CheckContext);
  };
}
