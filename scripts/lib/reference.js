/**
 * Makes the pages of the public API, docs/reference, from the doc comments in lib/ with typedoc. Each further entry point
 * of the package has a folder of its own in it.
 */
import { copyFileSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ensureDependencies } from './ensure-built.js';
import { lacksExample } from './reference-examples.js';
import { linkTo, pagesOf } from './reference-links.js';
import { readable } from './reference-readable.js';
import { Failure, root } from './run.js';

const sources = join(root, 'scripts', 'reference');
const installed = join(root, 'build', 'reference');
const modules = join(installed, 'node_modules');

/** The names that users import, as package.json exports them, each with its source and its place in the pages. */
function entryPoints() {
  const { name, exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  return Object.entries(exports)
    .filter(([, target]) => typeof target === 'object')
    .map(([subpath, { default: built }]) => ({
      name: join(name, subpath),
      source: join(root, built.replace(/^\.\/dist\//, '').replace(/\.js$/, '.ts')),
      folder: subpath,
    }));
}

const options = {
  tsconfig: join(sources, 'tsconfig.json'),
  plugin: [join(modules, 'typedoc-plugin-markdown', 'dist', 'index.js')],
  readme: 'none',
  excludeInternal: true,
  excludePrivate: true,
  excludeExternals: true,
  sort: ['source-order'],
  logLevel: 'Warn',
  // A page changes when the API or a comment changes, and at no other time.
  disableSources: true,
  disableGit: true,
  includeVersion: false,
  hidePageHeader: true,
  hideBreadcrumbs: true,
  useCodeBlocks: true,
};

/** The types that the library itself exports are documented with it, and not again where another entry point uses them. */
const validation = (name) => ({
  notExported: name === 'tunvs',
  invalidLink: true,
  rewrittenLink: true,
  notDocumented: true,
});

/** typedoc and the older TypeScript that it needs are installed in build/, and only when the pages are made. */
async function typedoc() {
  mkdirSync(installed, { recursive: true });
  for (const name of ['package.json', 'package-lock.json']) copyFileSync(join(sources, name), join(installed, name));
  await ensureDependencies(installed, 'installing typedoc');
  return import(pathToFileURL(join(modules, 'typedoc', 'dist', 'index.js')));
}

/** Writes the pages to `folder`; fails when a comment or an example is missing, or a link leads nowhere. */
export async function writeReference(folder) {
  const library = await typedoc();
  rmSync(folder, { recursive: true, force: true });
  let pages = new Map();
  for (const entry of entryPoints()) {
    const project = await writePages(library, entry, join(folder, entry.folder), pages);
    if (entry.folder === '.') pages = pagesOf(project, library);
  }
}

/** Returns what it has documented; `pages` are those of the library, which the other entry points link to. */
async function writePages(library, { name, source }, folder, pages) {
  const { Application, TSConfigReader } = library;
  const entry = { ...options, name, entryPoints: [source], validation: validation(name) };
  const application = await Application.bootstrapWithPlugins(entry, [new TSConfigReader()]);
  readable(application, library);
  linkTo(pages, application);
  const project = await application.convert();
  if (project === undefined) throw new Failure('typedoc could not read lib/; what it said is above');
  application.validate(project);
  for (const each of lacksExample(project, library)) application.logger.warn(`${each} has no @example`);
  if (application.logger.hasWarnings() || application.logger.hasErrors())
    throw new Failure('the doc comments of the public API are not complete; what is missing is above');
  application.options.setValue('outputs', [{ name: 'markdown', path: folder }]);
  await application.generateOutputs(project);
  return project;
}
