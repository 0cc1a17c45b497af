/** The error for a director that is closed while the host or the device is not as it was before. */
import { TunvsError, toTunvsError } from '../values/errors.js';

/** REQUIRES: at least one failure. */
export function notAllUndone(failures: readonly unknown[]): TunvsError {
  const cause = failures.length === 1 ? failures[0] : new AggregateError(failures);
  const said = failures.map((failure) => toTunvsError(failure).message).join('; ');
  return new TunvsError('ERR_TUNVS_HOST', `the director is closed, but not all was undone: ${said}`, { cause });
}
