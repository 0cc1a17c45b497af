/** The example configurations are right, and the verbs take them. */
import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { verbs } from '../../lib/cli/verbs/index.js';
import { parseConfig } from '../../lib/config/parse-config.js';
import { configSchema } from '../../lib/config/schema/json-schema.js';
import { cli } from '../support/cli.js';

const folder = new URL('../../../examples/config/', import.meta.url);
const names = readdirSync(folder).filter((name) => name.endsWith('.yaml'));
const pathOf = (name: string) => fileURLToPath(new URL(name, folder));

describe('the example configurations', () => {
  for (const name of names) {
    it(`${name} is checked without a mistake or warning, and names the schema`, async () => {
      const result = await cli(['check', pathOf(name)], verbs);
      assert.deepEqual(result, { exitCode: 0, stdout: '', stderr: '' });
      assert.match(
        readFileSync(pathOf(name), 'utf8'),
        /^# yaml-language-server: \$schema=\.\.\/\.\.\/schema\/\S+\.json\n/,
      );
    });
  }

  it('show every field of the file but those that few need', () => {
    const shown = new Set<string>();
    for (const name of names) {
      const config = parseConfig(readFileSync(pathOf(name)), { path: pathOf(name) });
      for (const field of Object.keys('spec' in config ? config.spec : {})) shown.add(field);
    }
    const rare = [
      'egress',
      'offloads',
      'setUpHost',
      'pathMtuFloor',
      'pingReply',
      'noServerReply',
      'hashSeed',
      'busyPollUs',
    ];
    rare.push('cpus', 'bypassesQdisc', 'fastPath', 'rings', 'state', 'role', 'sync');
    const fields = Object.keys(configSchema().properties ?? {}).filter((field) => field !== 'include');
    assert.deepEqual([...shown, ...rare].sort(), fields.sort());
  });

  it('are as right as the one in docs/configuration.md', () => {
    const page = readFileSync(new URL('../../docs/configuration.md', folder), 'utf8');
    const [, text = ''] = /^```text\n(.*?)^```$/ms.exec(page) ?? [];
    const config = parseConfig(text, { path: 'docs/configuration.md' });
    assert.equal('spec' in config && config.spec.services?.length, 1);
  });

  it('are named in examples/README.md', () => {
    const page = readFileSync(new URL('../README.md', folder), 'utf8');
    assert.deepEqual(
      names.filter((name) => !page.includes(`](config/${name})`)),
      [],
    );
  });
});
