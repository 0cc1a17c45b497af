/** What the views of handles in JSON and util.inspect() have in common. */
import { inspect, type InspectOptions } from 'node:util';
import { TunvsError } from './errors.js';

/** Stands in place of what cannot be read any more. */
type Gone = { isClosed: true } | { isDeleted: true };

/** Returns what `read` returns, or that the director is closed, or the service or server deleted. */
export function unlessGone<T extends object>(read: () => T): T | Gone {
  try {
    return read();
  } catch (error) {
    if (!(error instanceof TunvsError)) throw error;
    return error.code === 'ERR_TUNVS_CLOSED' ? { isClosed: true } : { isDeleted: true };
  }
}

/** Returns what `[inspect.custom]()` of a handle of the class `name` returns. */
export function inspected(name: string, view: () => object, depth: number, options: InspectOptions): string {
  return depth < 0 ? `[${name}]` : `${name} ${inspect(view(), options)}`;
}
