/** Each example says what it is, and examples/README.md names them all. */
import { strict as assert } from 'node:assert';
import { existsSync, readdirSync, readFileSync } from 'node:fs';

const folder = new URL('../../../examples/', import.meta.url);
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8');
const examples = readdirSync(folder).filter((name) => name.endsWith('.ts'));
const programs = examples.filter((name) => name !== 'packets.ts');

describe('the examples', () => {
  for (const name of programs) {
    it(`${name} begins with what it shows and how to run it`, () => {
      const [, comment = ''] = /^\/\*\*(.*?)\*\//s.exec(read(name)) ?? [];
      assert.match(comment, /^\s*\* Shows /);
      assert.match(comment, new RegExp(`^ \\*     node dist/examples/${name.replace(/ts$/, 'js')}`, 'm'));
    });
  }

  it('are all named in examples/README.md, which links to files that are there', () => {
    const links = [...read('README.md').matchAll(/\]\(([^)]+)\)/g)].map((match) => match[1] ?? '');
    assert.deepEqual(
      examples.filter((name) => !links.includes(name)),
      [],
    );
    assert.deepEqual(
      links.filter((link) => !existsSync(new URL(link, folder))),
      [],
    );
  });
});
