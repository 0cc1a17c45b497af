/** The examples that need no device; those that do are in netns/examples.test.ts. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';

const example = (name: string) => new URL(`../../examples/${name}.js`, import.meta.url).pathname;

describe('examples/what-if', () => {
  it('shows that a drained real server keeps its connections and gets no new ones', () => {
    const output = execFileSync(process.execPath, [example('what-if'), 'wrr'], { encoding: 'utf8' });
    assert.deepEqual(output.trim().split('\n'), [
      "at first { '10.3.0.11': 500, '10.3.0.12': 333, '10.3.0.13': 167 }",
      "10.3.0.11 drained, those there { '10.3.0.11': 500, '10.3.0.12': 333, '10.3.0.13': 167 }",
      "10.3.0.11 drained, new ones { '10.3.0.11': 0, '10.3.0.12': 667, '10.3.0.13': 333 }",
    ]);
  });
});
