/** Tells when the fast path's program is no longer where it was to run, and when it is again. */
import type { NativeEvent, NativeFastPath } from '../native/engine.js';

const LOOK_INTERVAL_MS = 1000;

/** `read` returns nothing once the director is closed, and then nobody looks any more. It keeps no process alive. */
export function watchFastPath(read: () => NativeFastPath | undefined, report: (event: NativeEvent) => void): void {
  let said = read()?.reason;
  const look = () => {
    const now = read();
    if (now === undefined) return;
    lookAgain();
    if (now.reason === said) return;
    said = now.reason;
    report({ type: 'fastPathChanged', value: now.reason === '' ? 1 : 0, message: sentence(now) });
  };
  const lookAgain = () => void setTimeout(look, LOOK_INTERVAL_MS).unref();
  lookAgain();
}

function sentence({ isInForce, reason }: NativeFastPath): string {
  if (reason === '') return 'the fast path is where it was to be again';
  return isInForce ? `the fast path lacks a part: ${reason}` : `the fast path is off: ${reason}`;
}
