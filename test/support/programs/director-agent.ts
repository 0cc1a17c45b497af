/** A process that embeds a director and runs what a test hands it. */
import { Director, type DirectorOpenOptions } from '../../../lib/index.js';
import { serveAgent } from '../../../lib/lab/agent.js';

let director: Director | undefined;

function opened(): Director {
  if (director === undefined) throw new Error('open it first');
  return director;
}

serveAgent({
  async open(options: DirectorOpenOptions) {
    director = await Director.open(options);
    return director.device;
  },
  run({ source, argument }: { source: string; argument: unknown }) {
    return new Function('director', 'argument', `return (${source})(director, argument);`)(opened(), argument);
  },
  /** No JavaScript runs in this process meanwhile. */
  block({ durationMs }: { durationMs: number }) {
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, durationMs);
  },
  async close() {
    await director?.close();
    director = undefined;
  },
});
