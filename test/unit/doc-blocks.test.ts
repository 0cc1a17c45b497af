/**
 * Every fenced block of the documentation is run by a test or listed with the reason. netns/doc-blocks.test.ts runs
 * those that need namespaces.
 */
import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { Director } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { applyRules } from '../../lib/rules/apply.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import {
  blocksOf,
  blocksToRun,
  docBlocks,
  NOT_RUN,
  PAGES,
  readPage,
  reasonNotRun,
  ROOT,
  titleOf,
} from '../support/doc-blocks.js';

const COMMAND = /^\s*(?:[#$] )?(?:apt|docker|echo|git|import|ip|make|nft|node|npm|npx|sudo|sysctl|tunvs)\b/m;

describe('the blocks of the documentation', () => {
  it('are found with their languages and lines', () => {
    assert.deepEqual(blocksOf('page', 'a\n```sh\nls\n\n```\n\n- b\n  ```ts\n  c;\n  ```\n'), [
      { page: 'page', line: 3, language: 'sh', text: 'ls\n\n' },
      { page: 'page', line: 9, language: 'ts', text: '  c;\n' },
    ]);
    assert.throws(() => blocksOf('page', '```sh\nls\n'), /page:2 a block has no end/);
  });

  it('have a language that somebody runs, and are text only where nothing can be run', () => {
    const unknown = docBlocks.filter(({ language, text }) =>
      language === 'text' ? COMMAND.test(text) : !['sh', 'ts', 'js', 'rules'].includes(language),
    );
    assert.deepEqual(unknown.map(titleOf), []);
  });

  for (const block of docBlocks.filter((each) => each.language !== 'text')) {
    const reason = reasonNotRun(block);
    if (reason !== undefined) it.skip(`not run: ${titleOf(block)} (${reason})`, () => {});
  }

  it('that are not run are there', () => {
    const isThere = ({ page, begins }: (typeof NOT_RUN)[number]) =>
      begins === undefined
        ? PAGES.includes(page)
        : docBlocks.some((block) => block.page === page && block.text.startsWith(begins));
    assert.deepEqual(
      NOT_RUN.filter((entry) => !isThere(entry)),
      [],
    );
  });

  for (const block of blocksToRun('rules')) {
    it(`of rules are taken by a director: ${titleOf(block)}`, () => {
      const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
      const support = { schedulers: native.schedulers, sysctlNames: native.sysctlNames };
      applyRules(director, parseRules(block.text, { file: block.page, support, isTimed: false }));
      assert.ok(director.virtualServices.some((service) => service.realServers.length > 0));
    });
  }
});

const VERBS = 'run|status|reload|check|convert|install-ipvsadm|realserver|replay|explain|demo';
const NAMED = new RegExp(`(?:\`|^|\\s)tunvs (${VERBS})((?: [^\`|\\n]*)?)`, 'gm');

describe('the commands that the documentation names', () => {
  const main = new URL('dist/lib/cli/main.js', ROOT).pathname;
  const help = (verb: string) => execFileSync(process.execPath, [main, verb, '--help'], { encoding: 'utf8' });
  const commands = PAGES.flatMap((page) =>
    [...readPage(page).matchAll(NAMED)].map(([, verb = '', rest = '']) => ({
      page,
      verb,
      options: rest.match(/(?<=\s)--[a-z][a-z-]*/g) ?? [],
    })),
  );

  for (const verb of new Set(commands.map((command) => command.verb))) {
    it(`have options that there are: tunvs ${verb}`, () => {
      const known = new Set(help(verb).match(/--[a-z][a-z-]*/g));
      const wrong = commands
        .filter((command) => command.verb === verb)
        .flatMap(({ page, options }) =>
          options.filter((option) => !known.has(option)).map((name) => `${page} ${name}`),
        );
      assert.deepEqual(wrong, []);
    });
  }

  it('have npm scripts that there are', () => {
    const { scripts } = JSON.parse(readPage('package.json')) as { scripts: Record<string, string> };
    const named = PAGES.flatMap((page) =>
      [...readPage(page).matchAll(/npm run ([a-z:-]+)/g)].map(([, name = '']) => name),
    );
    assert.ok(named.length > 3);
    assert.deepEqual(
      named.filter((name) => !Object.hasOwn(scripts, name)),
      [],
    );
  });
});
