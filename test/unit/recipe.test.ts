/** When the prebuilt binaries are made anew, and when they are not for publishing. */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

interface Recipe {
  sources: string;
  recipe: string;
  glibc: string;
  node: string;
  compilers: Record<string, string | undefined>;
}

interface RecipeModule {
  currentRecipe: () => Recipe;
  changesSince: (manifest: Partial<Recipe> | undefined, recipe: Recipe) => string[];
  publishProblem: () => string | undefined;
}

const root = new URL('../../../', import.meta.url).pathname;

describe('the recipe of the prebuilt binaries', () => {
  it('knows the sources by files that the package holds, so that an installed package finds them the same', async () => {
    const { digestedSources } = (await import(pathToFileURL(join(root, 'scripts', 'lib', 'prebuilt.js')).href)) as {
      digestedSources: () => string[];
    };
    const pack = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const listed = JSON.parse(execFileSync('npm', pack, { cwd: root, encoding: 'utf8' })) as [
      { files: { path: string }[] },
    ];
    const packed = new Set(listed[0].files.map(({ path }) => path));
    const digested = digestedSources();
    assert(digested.length > 100);
    assert.deepEqual(
      digested.filter((path) => !packed.has(path)),
      [],
    );
  });

  let folder = '';
  let module: RecipeModule;

  // A copy, whose files can be edited.
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-recipe-'));
    for (const name of ['scripts', 'native', 'binding.gyp', 'package.json'])
      cpSync(join(root, name), join(folder, name), { recursive: true });
    mkdirSync(join(folder, 'node_modules'));
    cpSync(join(root, 'node_modules', 'node-addon-api'), join(folder, 'node_modules', 'node-addon-api'), {
      recursive: true,
    });
    symlinkSync(join(root, 'node_modules', 'node-gyp'), join(folder, 'node_modules', 'node-gyp'));
    module = await import(pathToFileURL(join(folder, 'scripts', 'lib', 'recipe.js')).href);
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  /** What of the recipe differs while a file is edited. */
  function changedBy(name: string): string[] {
    const path = join(folder, name);
    const text = readFileSync(path, 'utf8');
    const before = module.currentRecipe();
    writeFileSync(path, `${text}\n`);
    const changed = module.changesSince(before, module.currentRecipe());
    writeFileSync(path, text);
    return changed;
  }

  it('is the same while nothing changes', () => {
    assert.deepEqual(module.changesSince(module.currentRecipe(), module.currentRecipe()), []);
  });

  for (const name of ['binding.gyp', 'scripts/sources.js', 'native/core/inet.cc', 'native/core/inet.h']) {
    it(`has other sources with another ${name}`, () => assert.deepEqual(changedBy(name), ['sources']));
  }

  for (const name of ['scripts/prebuild.js', 'scripts/lib/sysroot.js', 'node_modules/node-addon-api/napi-inl.h']) {
    it(`is another one with another ${name}`, () => assert.deepEqual(changedBy(name), ['recipe']));
  }

  it('does not change with tests', () => {
    assert.deepEqual(changedBy('native/core/inet_test.cc'), []);
  });

  it('changes with the oldest glibc, node and the compilers, and is new where there is no manifest', () => {
    const recipe = module.currentRecipe();
    assert.deepEqual(module.changesSince({ ...recipe, glibc: '2.17' }, recipe), ['glibc']);
    assert.deepEqual(module.changesSince({ ...recipe, node: 'v1.0.0' }, recipe), ['node']);
    assert.deepEqual(module.changesSince({ ...recipe, compilers: { 'linux-x64': 'g++ 1' } }, recipe), ['compilers']);
    assert.deepEqual(module.changesSince(undefined, recipe), Object.keys(recipe));
  });

  it('keeps binaries from being published that were made in another way, by whatever compiler', () => {
    assert.equal(module.publishProblem(), 'there are no prebuilt binaries');
    const place = join(folder, 'prebuilds');
    for (const platform of ['linux-x64', 'linux-arm64']) {
      mkdirSync(join(place, platform), { recursive: true });
      writeFileSync(join(place, platform, 'tunvs.node'), '');
    }
    const manifest = { ...module.currentRecipe(), compilers: {} };
    writeFileSync(join(place, 'manifest.json'), JSON.stringify(manifest));
    assert.equal(module.publishProblem(), undefined);
    writeFileSync(join(place, 'manifest.json'), JSON.stringify({ ...manifest, recipe: 'another' }));
    assert.equal(module.publishProblem(), 'the prebuilt binaries were made in another way than now');
  });
});
