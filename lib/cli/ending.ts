/** Says in the event `stopped` what has ended a verb that ran. */
import { asUsageError } from './option-names.js';
import { errorWords } from './words.js';

export type Ending =
  | { reason: 'signal'; signal: string | undefined }
  /** The process that directs from then on. */
  | { reason: 'takeover'; pid: number }
  | { reason: 'error'; message: string };

/** The message is the first sentence that standard error says: if closing failed too, its failure comes second. */
export function endedByError(error: unknown): Extract<Ending, { reason: 'error' }> {
  const first = asUsageError(error instanceof AggregateError ? error.errors[0] : error);
  return { reason: 'error', message: first instanceof Error ? errorWords(first) : String(first) };
}
