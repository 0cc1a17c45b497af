/** A process that embeds a director and is told rules, in the words of the recordings. */
import { setTimeout } from 'node:timers/promises';
import { Director, type DirectorOpenOptions } from '../../../lib/index.js';
import { serveAgent } from '../../../lib/lab/agent.js';
import { native } from '../../../lib/native/addon.js';
import { applyRules } from '../../../lib/rules/apply.js';
import { parseRules } from '../../../lib/rules/parse-rules.js';

let director: Director | undefined;

function opened(): Director {
  if (director === undefined) throw new Error('open it first');
  return director;
}

function apply(rules: string): void {
  applyRules(opened(), parseRules(rules, { file: 'golden', support: native, isTimed: false }));
}

serveAgent({
  async open({ marks = [], ...options }: DirectorOpenOptions & { marks?: Parameters<Director['setMarks']>[0] }) {
    director = await Director.open(options);
    director.setMarks(marks);
  },
  /** `afterwards` comes a moment later. */
  async run({ rules, afterwards }: { rules: string[]; afterwards: string }) {
    apply(rules.join('\n'));
    await setTimeout(3);
    apply(afterwards);
  },
  stats() {
    return opened().stats();
  },
  async close() {
    await director?.close();
    director = undefined;
  },
});
