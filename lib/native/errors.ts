/** Every error that tunvs throws. They are in this folder because loading the addon is the first thing that fails. */
import { inspect, types } from 'node:util';

/** What each code means and how to mend it; a test holds `docs/api.md` to the same list. */
const MEANINGS = {
  ERR_TUNVS_INVALID_ARGUMENT:
    'a value that no retry makes right: the message names the option, what came and what was expected',
  ERR_TUNVS_EXISTS: 'the virtual service or real server is configured already: edit it, or delete it first',
  ERR_TUNVS_NOT_FOUND:
    'the virtual service or real server is not configured, or the handle is of one that was deleted: look it up again',
  ERR_TUNVS_CHANGED: 'somebody else has changed it since it was read: read it again, then decide anew',
  ERR_TUNVS_UNSUPPORTED: 'this build or this kernel does not have the feature: choose another, or a newer kernel',
  ERR_TUNVS_PERMISSION:
    'a privilege is missing: run as root, with CAP_NET_ADMIN and CAP_NET_RAW, or under "unshare -Urnm"',
  ERR_TUNVS_BUSY: 'the device, queue or real server is still in use: stop the other user, or choose another name',
  ERR_TUNVS_NO_DEVICE:
    '/dev/net/tun or the named device does not exist: run "modprobe tun", or give the container the device',
  ERR_TUNVS_LIMIT: 'a fixed capacity is used up: open the director with a larger one',
  ERR_TUNVS_CLOSED: 'the director or real server host was closed: open another',
  ERR_TUNVS_SYSTEM: 'a system call failed in another way: see syscall and errno',
  ERR_TUNVS_NOT_BUILT: 'the native part is missing: run "npm rebuild tunvs" (needs python3, make and g++)',
  ERR_TUNVS_POLICY: 'a scheduler policy failed: the message names it and what it did, `cause` is what it threw',
  ERR_TUNVS_RULES: 'the rules hold a mistake: the message names the line and the mend',
  ERR_TUNVS_HOST:
    'the host is not as it must be, or setting it up through ip(8) or /proc/sys failed: the message has the mend, or names the command and what it said',
} as const;

/** The code of a {@link TunvsError}; {@link errorMeanings} says what each means. */
export type TunvsErrorCode = keyof typeof MEANINGS;

/** What each code of a {@link TunvsError} means, and how to mend the error. */
export const errorMeanings: Readonly<Record<TunvsErrorCode, string>> = MEANINGS;

export interface TunvsErrorDetails {
  /** The error behind this one. */
  cause?: unknown;
  /** The system call that failed. */
  syscall?: string | undefined;
  /** Its errno, positive, as in errno(3). */
  errno?: number | undefined;
  /** The option that was refused. */
  option?: string | undefined;
}

/**
 * Every error that tunvs throws, except the reason of an `AbortSignal`, which is thrown as it is. The message is one
 * sentence that says what is wrong and how to mend it; `cause` is the error behind it, if there is one.
 *
 * @example
 * ```ts
 * import { Director, TunvsError } from 'tunvs';
 *
 * try {
 *   Director.offline({ source: '10.2.0.2', pathMtu: 100 });
 * } catch (error) {
 *   if (!(error instanceof TunvsError)) throw error;
 *   console.log(error.code); // ERR_TUNVS_INVALID_ARGUMENT
 * }
 * ```
 */
export class TunvsError extends Error {
  /** Always 'TunvsError'. */
  override readonly name = 'TunvsError';
  /** The code by which a program tells errors apart. */
  readonly code: TunvsErrorCode;
  /** The system call that failed. */
  declare readonly syscall?: string;
  /** The errno of the system call that failed, positive, as in errno(3). */
  declare readonly errno?: number;
  /** The option that was refused, such as `device.name`. */
  declare readonly option?: string;

  /** @internal */
  constructor(code: TunvsErrorCode, message: string, details: TunvsErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    if (details.syscall !== undefined) this.syscall = details.syscall;
    if (details.errno !== undefined) this.errno = details.errno;
    if (details.option !== undefined) this.option = details.option;
  }

  /** A cause whose sentence stands in this one's already is shown without it. @internal */
  [inspect.custom](): object {
    const { cause, message } = this;
    if (!types.isNativeError(cause) || typeof cause.message !== 'string') return this;
    if (cause.message === '' || !message.includes(cause.message)) return this;
    const short = shownAs(cause, { stack: `${cause.stack}`.replace(cause.message, () => '(said above)') });
    return shownAs(this, { stack: this.stack, cause: short, [inspect.custom]: undefined });
  }
}

/** Stands in for an object in util.inspect(), with these members in place of its own. */
function shownAs(error: Error, others: object): object {
  const shown = Object.create(Object.getPrototypeOf(error), Object.getOwnPropertyDescriptors(error));
  for (const name of Reflect.ownKeys(others))
    Object.defineProperty(shown, name, { value: others[name as keyof typeof others], configurable: true });
  return shown;
}
