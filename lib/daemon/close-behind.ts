/** Closing what has run, however that ended. */

/** Where both the run and the closing failed, both are thrown, the run's failure first: the other follows from it at most. */
export async function closeBehind(failed: { error: unknown } | undefined, close: () => Promise<void>): Promise<void> {
  try {
    await close();
  } catch (undone) {
    throw failed ? new AggregateError([failed.error, undone], 'it failed, and was not undone') : undone;
  }
  if (failed) throw failed.error;
}
