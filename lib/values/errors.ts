/** Turns what the addon throws into an error of tunvs. */
import { types } from 'node:util';
import { errorMeanings, TunvsError, type TunvsErrorCode } from '../native/errors.js';

export { errorMeanings, TunvsError, type TunvsErrorCode };

export function isTunvsErrorCode(code: unknown): code is TunvsErrorCode {
  return typeof code === 'string' && Object.hasOwn(errorMeanings, code);
}

/** Returns `error` if it is a TunvsError, otherwise one that wraps it with its code, syscall and errno. */
export function toTunvsError(error: unknown): TunvsError {
  if (error instanceof TunvsError) return error;
  const { code, syscall, errno, message } = readError(error);
  const isOurs = isTunvsErrorCode(code);
  const saysAll = isOurs && types.isNativeError(error);
  return new TunvsError(isOurs ? code : 'ERR_TUNVS_SYSTEM', message, {
    // An error of the addon's has said all that it knows; as the cause it would only say it again.
    ...(!saysAll && { cause: error }),
    syscall: typeof syscall === 'string' ? syscall : undefined,
    errno: typeof errno === 'number' ? Math.abs(errno) : undefined,
  });
}

/** What was thrown may be anything, and may throw when it is examined. */
function readError(error: unknown): { code?: unknown; syscall?: unknown; errno?: unknown; message: string } {
  try {
    const { code, syscall, errno } = (error ?? {}) as { code?: unknown; syscall?: unknown; errno?: unknown };
    return { code, syscall, errno, message: error instanceof Error ? `${error.message}` : String(error) };
  } catch {
    // Nothing more can be learned from it; toTunvsError() keeps it as the cause.
    return { message: 'something was thrown that cannot be read' };
  }
}

/**
 * Does the same where the addon refuses an option's value: `option` names it, or finds its name in the sentence, if
 * that tells it.
 */
export function wrapOption<T>(option: string | ((message: string) => string | undefined), call: () => T): T {
  try {
    return call();
  } catch (thrown) {
    const error = toTunvsError(thrown);
    if (error.code !== 'ERR_TUNVS_INVALID_ARGUMENT' || error.option !== undefined) throw error;
    const { code, message, cause, syscall, errno } = error;
    const details = { syscall, errno, option: typeof option === 'string' ? option : option(message) };
    throw new TunvsError(code, message, { ...details, ...(cause !== undefined && { cause }) });
  }
}

/** Runs `call` and turns what the addon throws into a TunvsError. */
export function wrapNative<T>(call: () => T): T {
  try {
    return call();
  } catch (error) {
    throw toTunvsError(error);
  }
}
