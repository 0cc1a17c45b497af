/** The entry points of the package load the packages that they need, and no others. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

const ROOT = new URL('../../../', import.meta.url);

/** What docs/api.md says as well. */
const NEEDED: Readonly<Record<string, readonly string[]>> = {
  tunvs: [],
  'tunvs/control': ['hono', 'zod'],
  'tunvs/config': ['yaml', 'zod'],
  'tunvs/health': [],
  'tunvs/metrics': [],
};

const asUrl = (code: string) => `data:text/javascript,${encodeURIComponent(code)}`;

/** Prints what is resolved as the name of a package. */
const HOOKS = asUrl(`
  import { writeSync } from 'node:fs';
  export async function resolve(specifier, context, next) {
    const found = await next(specifier, context);
    const name = /^(?:@[^/]+\\/)?[^/.:]+/.exec(specifier)?.[0];
    if (found.url.includes('/node_modules/') && name !== undefined) writeSync(1, name + '\\n');
    return found;
  }`);

const REGISTER = asUrl(`import { register } from 'node:module'; register(${JSON.stringify(HOOKS)});`);

function packagesOf(entry: string): string[] {
  const code = `await import(${JSON.stringify(entry)})`;
  const options = ['--no-warnings', '--import', REGISTER, '--input-type=module', '--eval', code];
  const printed = execFileSync(process.execPath, options, { cwd: ROOT, encoding: 'utf8', timeout: 30_000 });
  return [...new Set(printed.split('\n').slice(0, -1))].sort();
}

describe('the entry points of the package', function () {
  this.timeout(60_000);

  it('are those of the table', () => {
    const { exports } = JSON.parse(readFileSync(new URL('package.json', ROOT), 'utf8')) as { exports: object };
    const names = Object.keys(exports).filter((name) => name !== './package.json');
    assert.deepEqual(
      names.map((name) => `tunvs${name.slice(1)}`),
      Object.keys(NEEDED),
    );
  });

  for (const [entry, packages] of Object.entries(NEEDED)) {
    it(`load the packages that they need: ${entry}`, () => assert.deepEqual(packagesOf(entry), packages));
  }
});
