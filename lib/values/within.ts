/** Resolves with undefined when the time is over first. Unless `keepsAlive`, the waiting keeps no process alive. */
export async function within<T>(
  timeoutMs: number,
  promise: Promise<T>,
  { keepsAlive = true } = {},
): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => resolve(undefined), timeoutMs);
    if (!keepsAlive) timer.unref();
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
