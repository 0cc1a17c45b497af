/** PING_CHECK: an echo request is answered. */
import { Fields } from '../fields.js';
import { type CheckerKind, checkOf, connection } from './checker.js';

export const PING_CHECK: CheckerKind = {
  timing: { retries: 1, retryDelayMs: 1000, timeout: 'connect_timeout' },
  make: (checker, { fields }, context) => {
    // A port says nothing to it.
    connection(checker.block, checker, { ...context, port: context.port || 1 });
    return [{ check: checkOf('ping', new Fields(checker.place)), timing: fields }];
  },
};
