/** Closes what has run, however that ended. */

/**
 * Throws both failures where run and closing failed, the run's first: the closing's may follow from it, never the
 * reverse.
 */
export async function closeBehind(failed: { error: unknown } | undefined, close: () => Promise<void>): Promise<void> {
  try {
    await close();
  } catch (undone) {
    throw failed
      ? new AggregateError([failed.error, undone], 'it failed, and what it did to the host was not all undone')
      : undone;
  }
  if (failed) throw failed.error;
}
