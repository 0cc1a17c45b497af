import { TunvsError } from '../values/errors.js';

/** Makes the error of reading what a transaction has added that is still open. */
export function notInForce(name: string): TunvsError {
  return new TunvsError(
    'ERR_TUNVS_NOT_FOUND',
    `${name} is not in force yet: read its stats when the transaction is done`,
  );
}
