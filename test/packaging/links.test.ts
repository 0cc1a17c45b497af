import { strict as assert } from 'node:assert';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { emptyProject, pack, root } from './installing.js';

/** Targets of `[text](target)` and `[name]: target` outside of code. */
function links(markdown: string): string[] {
  const prose = markdown.replace(/^```.*?^```/gms, '').replace(/`[^`\n]*`/g, '');
  const inline = [...prose.matchAll(/\]\(\s*<?([^)\s>]+)>?(?:\s+"[^"]*")?\s*\)/g)];
  const named = [...prose.matchAll(/^\[[^\]]+\]:\s*(\S+)/gm)];
  return [...inline, ...named].map((match) => match[1] as string);
}

/** What is not packed is linked where it can be read. */
const OURS = /^https:\/\/github\.com\/tunvs\/tunvs\/(?:blob|tree)\/main\/([^#]*)/;

const isRelative = (target: string) => !/^(?:[a-z][a-z+.-]*:|#)/i.test(target);

describe('the links of the packed pages', function () {
  this.timeout(240_000);
  let folder = '';
  let files: string[] = [];

  before(() => {
    folder = emptyProject();
    files = pack(folder).files;
  });

  after(() => rmSync(folder, { recursive: true, force: true }));

  const allLinks = () =>
    files
      .filter((path) => path.endsWith('.md'))
      .flatMap((page) => links(readFileSync(join(root, page), 'utf8')).map((target) => ({ page, target })));

  it('lead to files of the package', () => {
    for (const page of ['README.md', 'CHANGELOG.md', 'docs/install.md']) assert(files.includes(page), page);
    const targets = allLinks()
      .filter(({ target }) => isRelative(target))
      .map((link) => ({ ...link, path: normalize(join(dirname(link.page), link.target.replace(/#.*$/, ''))) }));
    assert(targets.length > 20);
    const isThere = (path: string) =>
      files.includes(path) || files.some((file) => file.startsWith(`${path.replace(/\/$/, '')}/`));
    const broken = targets.filter(({ path }) => !isThere(path)).map(({ page, target }) => `${page}: ${target}`);
    assert.deepEqual(broken, []);
  });

  it('lead to files of the repository where they lead to it', () => {
    const paths = allLinks().flatMap(({ target }) => OURS.exec(target)?.[1] ?? []);
    assert(paths.length > 0);
    assert.deepEqual(
      paths.filter((path) => !existsSync(join(root, path))),
      [],
    );
  });
});
