/** Gives connection policies the event loop once in each of its rounds, after whatever else waits there. */
import { setImmediate } from 'node:timers';
import type { NativeEngine } from '../native/engine.js';

/**
 * Returns what the native part must call when there are questions.
 *
 * A turn ends after a few milliseconds, and where more waits, this is called again in the loop's next round: timers,
 * signals and I/O come in between, however many connections come. None of it keeps the process alive.
 */
export function policyTurns(engine: Pick<NativeEngine, 'putQuestions'>): () => void {
  let isDue = false;
  const turn = () => {
    isDue = false;
    engine.putQuestions();
  };
  return () => {
    if (isDue) return;
    isDue = true;
    setImmediate(turn).unref();
  };
}
