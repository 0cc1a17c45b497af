/** The examples that need no device; netns/examples.test.ts has those that do. */
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

function lines(name: string, ...args: string[]): string[] {
  return execFileSync(process.execPath, [example(name), ...args], { encoding: 'utf8' })
    .trim()
    .split('\n');
}

describe('examples/tenants', () => {
  it("sends each tenant to its own real servers, and asks about everybody's connections", () => {
    const [first, second, nobody, asked] = lines('tenants');
    assert.equal(first, '10.20.1.1 went to 10.3.0.11, 10.3.0.11, 10.3.0.11, 10.3.0.11');
    assert.equal(second, '10.30.1.1 went to 10.3.0.12, 10.3.0.13, 10.3.0.12, 10.3.0.13');
    const all = ['10.3.0.11', '10.3.0.12', '10.3.0.13', '10.3.0.14'];
    assert.deepEqual(nobody?.replace('192.0.2.7 went to ', '').split(', ').sort(), all);
    assert.equal(asked, 'asked 12 times');
  });
});

describe('examples/canary', () => {
  it('gives the canary its percentage of the clients, and takes none back as it grows', () => {
    const rounds = lines('canary', '0', '10', '50', '100').map((line) => (line.match(/\d+/g) ?? []).map(Number));
    for (const [percent = 0, clients = 0, total = 0, stayed, before] of rounds) {
      assert.ok(Math.abs(clients - (total * percent) / 100) < 80, `${clients} of ${total} at ${percent} %`);
      assert.equal(stayed, before);
    }
    assert.equal(rounds[0]?.[1], 0);
    assert.equal(rounds[3]?.[1], 2000);
  });
});
