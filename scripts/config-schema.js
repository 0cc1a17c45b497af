/**
 * Writes what is made of the schema of configuration files: schema/tunvs.schema.json, the table of fields in
 * docs/configuration.md, and the kinds of checks in docs/health.md. A test says when they are out of date.
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { main } from './lib/run.js';

const root = new URL('../', import.meta.url);

await main(async () => {
  const { configSchema } = await import(fileURLToPath(new URL('dist/lib/config/schema/json-schema.js', root)));
  const { withReference } = await import(fileURLToPath(new URL('dist/lib/config/schema/reference.js', root)));
  mkdirSync(new URL('schema/', root), { recursive: true });
  writeFileSync(new URL('schema/tunvs.schema.json', root), `${JSON.stringify(configSchema(), null, 2)}\n`);
  const page = new URL('docs/configuration.md', root);
  writeFileSync(page, withReference(readFileSync(page, 'utf8'), configSchema()));
  const { withKinds } = await import(fileURLToPath(new URL('dist/lib/config/schema/kinds-reference.js', root)));
  const health = new URL('docs/health.md', root);
  writeFileSync(health, withKinds(readFileSync(health, 'utf8')));
});
