/** Undoes on process exit what the caller forgot to close. */

const pending = new Set<() => void>();

function runAll(): void {
  for (const undo of pending) undo();
}

/** Calls `undo`, which must be synchronous and must not throw, when the process exits; the result cancels that. */
export function atExit(undo: () => void): () => void {
  if (pending.size === 0) process.on('exit', runAll);
  pending.add(undo);
  return () => {
    pending.delete(undo);
    if (pending.size === 0) process.off('exit', runAll);
  };
}
