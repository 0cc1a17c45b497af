/** docs/keepalived.md is what the tables of keywords give. */
import { strict as assert } from 'node:assert';
import { topKeywords } from '../../lib/keepalived/keywords/index.js';
import type { Keywords } from '../../lib/keepalived/keywords/keyword.js';
import { readPage } from '../support/doc-blocks.js';
import { KEEPALIVED_PAGE, keepalivedPage } from '../support/keepalived-page.js';

function* notes(table: Keywords): Iterable<string> {
  for (const { note, block } of Object.values(table)) {
    if (note !== undefined) yield note;
    if (block !== undefined && block !== 'lines') yield* notes(block);
  }
}

describe("the page of keepalived's keywords", () => {
  it('is what the tables give: run "npm run docs" where it is not', () => {
    assert.equal(readPage(KEEPALIVED_PAGE), keepalivedPage());
  });

  it('has notes that are sentences', () => {
    for (const note of notes(topKeywords)) assert.match(note, /^(?:[A-Z-]|tunvs |keepalived).*\.$/, note);
  });

  it('says why wherever a keyword is not done or is done in another way', () => {
    const bare = (table: Keywords): string[] =>
      Object.entries(table).flatMap(([name, { fate, note, block }]) => [
        ...(note === undefined && (fate === 'differs' || fate === 'not done') && block !== 'lines' ? [name] : []),
        ...(block === undefined || block === 'lines' ? [] : bare(block)),
      ]);
    const { SSL, bfd_instance, ...others } = topKeywords;
    assert.deepEqual(bare(others), []);
  });
});
