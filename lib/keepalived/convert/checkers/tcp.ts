/** TCP_CHECK: the connection is made. */
import { type CheckerKind, checkOf, connection } from './checker.js';

export const TCP_CHECK: CheckerKind = {
  timing: { retries: 1, retryDelayMs: 1000, timeout: 'connect_timeout' },
  make: (checker, { fields }, context) => [
    { check: checkOf('tcp', connection(checker.block, checker, context)), timing: fields },
  ],
};
