/** A trial's process: what it sends counts, and one that ends early fails. */
import { strict as assert } from 'node:assert';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runTrial } from '../../bench/trial-process.js';

describe("a trial's process", () => {
  let tree: string;
  beforeEach(() => {
    tree = mkdtempSync(join(tmpdir(), 'tunvs-trial-'));
    mkdirSync(join(tree, 'dist', 'bench'), { recursive: true });
  });
  afterEach(() => rmSync(tree, { recursive: true }));
  const runs = (script: string) => writeFileSync(join(tree, 'dist', 'bench', 'run-trial.js'), script);
  const request = { name: 'x', runs: 2, isQuick: true };
  const FIGURES = `const { runs } = JSON.parse(process.argv[2]);
    process.send({ notes: ['n'] });
    for (let i = 0; i < runs; i++) process.send({ ns: i });
    process.disconnect();`;

  it('sends notes and figures, with progress or without', async () => {
    runs(FIGURES);
    const wanted = { notes: ['n'], runs: [{ ns: 0 }, { ns: 1 }] };
    assert.deepEqual(await runTrial(request, { tree }), wanted);
    const done: number[] = [];
    assert.deepEqual(await runTrial(request, { tree, progress: (count) => done.push(count) }), wanted);
    assert.deepEqual(done, [1, 2]);
  });

  it('fails when it ends before its runs, or by a signal', async () => {
    runs('process.send({ ns: 1 }); process.exitCode = 3; process.disconnect();');
    await assert.rejects(runTrial(request, { tree }), /"x" ended after 1 of 2 runs \(code 3, signal null\)/);
    runs(`process.kill(process.pid, 'SIGKILL');`);
    await assert.rejects(runTrial(request, { tree }), /after 0 of 2 runs \(code null, signal SIGKILL\)/);
  });
});
