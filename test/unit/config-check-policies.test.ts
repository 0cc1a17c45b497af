/** `tunvs check --policies` imports the modules of policies; without it none of their code runs. */
import { strict as assert } from 'node:assert';
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { verbs } from '../../lib/cli/verbs/index.js';
import { cli } from '../support/cli.js';

describe('tunvs check and the modules of policies', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-check-'));
    writeFileSync(
      join(folder, 'tunvs.yaml'),
      'source: 10.2.0.2\nservices:\n  - { listen: "tcp 192.0.2.1:80", policy: ./p.mjs }\n',
    );
    const ran = JSON.stringify(join(folder, 'ran'));
    writeFileSync(
      join(folder, 'p.mjs'),
      `import fs from 'node:fs';\nfs.writeFileSync(${ran}, '');\nexport default 7;\n`,
    );
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it('runs none of their code unless it is asked to', async () => {
    const { exitCode } = await cli(['check', join(folder, 'tunvs.yaml')], verbs);
    assert.equal(exitCode, 0);
    assert.equal(existsSync(join(folder, 'ran')), false);
  });

  it('says with --policies what is wrong with them, and where they are named', async () => {
    const { exitCode, stdout } = await cli(['check', '--policies', '--json', join(folder, 'tunvs.yaml')], verbs);
    assert.equal(exitCode, 1);
    const { mistakes, warnings } = JSON.parse(stdout);
    assert.deepEqual(warnings, []);
    assert.equal(mistakes.length, 1);
    assert.deepEqual(Object.keys(mistakes[0]).sort(), ['column', 'file', 'line', 'mend', 'message', 'path']);
    assert.equal(mistakes[0].path, 'services[0].policy');
    assert.equal(mistakes[0].line, 3);
  });
});
