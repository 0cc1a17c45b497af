/** Modules of policies that do not do what a module does. */
import { strict as assert } from 'node:assert';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { closePolicies, loadPolicies } from '../../lib/config/apply/policy-modules.js';

describe("a policy's module", () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-policy-'));
  });
  after(() => rmSync(folder, { recursive: true }));

  async function mistakeOf(text: string): Promise<string> {
    const file = join(folder, 'policy.mjs');
    writeFileSync(file, text);
    const { mistakes } = await loadPolicies([{ file, path: 'services[0].policy' }], new Map(), 50);
    return mistakes.map(({ message }) => message).join();
  }

  it('that never ends is a mistake after a while', async () => {
    assert.match(
      await mistakeOf('await new Promise(() => {});'),
      /cannot be imported \(it has not ended within 0.05 s\)/,
    );
  });

  it('that throws is a mistake, whatever it throws', async () => {
    assert.match(await mistakeOf('throw new Error("first\\nsecond")'), /cannot be imported \(first\)/);
    assert.match(await mistakeOf('throw undefined'), /cannot be imported \(undefined\)/);
    assert.match(await mistakeOf('throw { toString() { throw 1; } }'), /\(it threw what cannot be shown\)/);
    assert.match(await mistakeOf('export default {}'), /has no policy/);
  });

  it('is not waited for when its close() never ends', async () => {
    const warnings: string[] = [];
    const policy = { hash: '', policy: undefined as never, close: () => new Promise(() => {}) };
    await closePolicies(new Map([['a.js', policy]]), new Map(), (message) => warnings.push(message), 50);
    assert.deepEqual(warnings, ['a.js: close() failed: it has not ended within 0.05 s']);
  });
});
