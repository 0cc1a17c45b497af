/** What README.md shows is what examples and tests run. */
import { strict as assert } from 'node:assert';
import { existsSync, readFileSync } from 'node:fs';
import { applySpec, parseConfig } from '../../lib/config/index.js';
import { Director } from '../../lib/index.js';

const root = new URL('../../../', import.meta.url);
const readme = readFileSync(new URL('README.md', root), 'utf8');

describe('README.md', () => {
  it('shows the program of examples/readme.ts', () => {
    const program = readFileSync(new URL('examples/readme.ts', root), 'utf8').replace(/^\/\*\*.*?\*\/\n/s, '');
    assert.ok(readme.includes(`\`\`\`ts\n${program}\`\`\``));
  });

  it('shows a configuration that a director takes', async () => {
    const text = /^cat > tunvs\.yaml <<'\.'\n(.*?)^\.$/ms.exec(readme)?.[1] ?? '';
    const parsed = parseConfig(text, { path: 'README.md' });
    assert.ok('spec' in parsed, JSON.stringify(parsed));
    const director = Director.offline({ source: '10.0.0.2', maxConnections: 1024 });
    await applySpec(director, parsed.spec);
    assert.deepEqual(
      director.virtualServices[0]?.realServers.map((server) => server.weight),
      [2, 1],
    );
  });

  it('links to files that are there', () => {
    const ours = 'https://github.com/tunvs/tunvs/blob/main/';
    const links = [...readme.matchAll(/\]\(([^)#]+)\)/g)].map((match) => (match[1] ?? '').replace(ours, ''));
    assert.ok(links.length > 3);
    assert.deepEqual(
      links.filter((link) => !existsSync(new URL(link, root))),
      [],
    );
  });

  it('names no npm script that is not there', () => {
    const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
      scripts: Record<string, string>;
    };
    const named = [...readme.matchAll(/npm (?:run )?(demo|test|bench|[a-z:]+)(?=[\s`,])/g)].map(
      (match) => match[1] ?? '',
    );
    assert.deepEqual(
      named.filter((name) => !['install', 'library', 'pack'].includes(name) && !Object.hasOwn(scripts, name)),
      [],
    );
  });
});
