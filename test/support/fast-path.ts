/** Whether programs can be loaded into the kernel here. */
import { checkedOpenOptions } from '../../lib/director/director-options.js';
import { native } from '../../lib/native/addon.js';

let known: { problem: string | undefined } | undefined;

/** Returns the sentence that says why not; undefined when they can. */
export function fastPathProblem(): string | undefined {
  known ??= { problem: probe() };
  return known.problem;
}

function probe(): string | undefined {
  try {
    new native.Engine(
      checkedOpenOptions({ source: '192.0.2.1', maxConnections: 1024, fastPath: 'egress' }).native,
    ).close();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
