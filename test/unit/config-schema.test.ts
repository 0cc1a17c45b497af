import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { configSchema, type JsonSchema } from '../../lib/config/schema/json-schema.js';
import { withKinds } from '../../lib/config/schema/kinds-reference.js';
import { withReference } from '../../lib/config/schema/reference.js';

const root = new URL('../../../', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, root), 'utf8');

function undescribed(schema: JsonSchema, path: string): string[] {
  const inner = [
    ...Object.entries(schema.properties ?? {}).map(([name, each]) => [`${path}.${name}`, each] as const),
    ...(schema.anyOf ?? []).map((each) => [path, each] as const),
    ...(schema.items ? [[`${path}[]`, schema.items] as const] : []),
  ];
  const here = Object.entries(schema.properties ?? {}).filter(([, each]) => !each.description);
  return [...here.map(([name]) => `${path}.${name}`), ...inner.flatMap(([name, each]) => undescribed(each, name))];
}

describe('the published schema of configuration files', () => {
  it('is fresh: "node scripts/config-schema.js" has nothing to write', () => {
    assert.deepEqual(JSON.parse(read('schema/tunvs.schema.json')), JSON.parse(JSON.stringify(configSchema())));
    const page = read('docs/configuration.md');
    assert.equal(withReference(page, configSchema()), page);
    const health = read('docs/health.md');
    assert.equal(withKinds(health), health);
  });

  it('says of every field what it does', () => {
    assert.deepEqual(undescribed(configSchema(), ''), []);
  });

  it('comes with the package', () => {
    assert.ok(JSON.parse(read('package.json')).files.includes('schema'));
  });
});
