/** Runs a director, with its attachments, until it is told to end. */
import type { Director } from '../director/director.js';
import { keepEstimates } from '../rules/keep-estimates.js';
import { RulesSession } from '../rules/session.js';
import { aborted } from './aborted.js';
import { closeBehind } from './close-behind.js';

/** What is attached to a running director. Each function is called at most once. */
export interface Attached {
  /** The configuration is in force, and nobody has been told that the director is ready. Its failure ends the director. */
  listen?(): Promise<void> | void;
  /** The director is ready. The director does not wait for the promise, but its failure ends the director. */
  ready?(): Promise<void> | void;
  /** The director is about to close. */
  detach?(): void;
  /** The director is closed. */
  end?(): Promise<void> | undefined | void;
}

/** What an attachment has to work with. */
export interface Running {
  readonly director: Director;
  /** Executes ipvsadm's commands, whoever they come from. */
  readonly session: RulesSession;
  /** Aborted when the director is told to end, or has failed. */
  readonly over: AbortSignal;
}

/** Called when the director is open and holds nothing yet. An earlier attachment can report what a later one does. */
export type Attachment = (running: Running) => Attached;

export interface DaemonParts {
  /** Rejects with the reason of `signal` if that is aborted first. */
  open(signal: AbortSignal): Promise<Director>;
  /** Puts the configuration into force. It may be left in the middle when `over` is aborted. */
  begin(running: Running): Promise<void> | void;
  attachments: readonly Attachment[];
}

/**
 * Resolves when `stop` is aborted and the director is closed, or when another process has taken its place, with the
 * number of that process; rejects when the director cannot begin, or has failed.
 * Rejects with an AggregateError where the director failed and the host could not be undone after that.
 */
export async function runDaemon(
  { open, begin, attachments }: DaemonParts,
  stop: AbortSignal,
): Promise<number | undefined> {
  let director: Director;
  try {
    director = await open(stop);
  } catch (error) {
    if (stop.aborted) return undefined;
    throw error;
  }
  const failure = new AbortController();
  director.on('error', (error) => failure.abort(error));
  const handedOver = new AbortController();
  let successor: number | undefined;
  director.on('handedOver', ({ pid }) => {
    successor = pid;
    handedOver.abort();
  });
  const over = AbortSignal.any([stop, failure.signal, handedOver.signal]);
  const session = new RulesSession(director);
  const endEstimates = keepEstimates(session);
  const attached: Attached[] = [];
  let failed: { error: unknown } | undefined;
  try {
    const running: Running = { director, session, over };
    for (const attach of attachments) attached.push(attach(running));
    await Promise.race([begin(running), aborted(over)]);
    const listening = Promise.all(attached.map((each) => !over.aborted && each.listen?.()));
    await Promise.race([listening, aborted(over)]);
    if (!over.aborted) await Promise.all([...attached.map((each) => each.ready?.()), aborted(over)]);
    if (failure.signal.aborted) throw failure.signal.reason;
  } catch (error) {
    failed = { error };
  }
  endEstimates();
  failure.abort(); // releases whoever still waits for the end
  const end = async () => {
    for (const each of attached) await each.end?.();
  };
  await closeBehind(failed, async () => {
    try {
      for (const each of attached.reverse()) each.detach?.();
    } finally {
      await director.close().finally(end);
    }
  });
  return successor;
}
