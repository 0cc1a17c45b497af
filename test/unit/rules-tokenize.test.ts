import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { quoteToken, tokenize } from '../../lib/rules/tokenize.js';

describe("a rule's words", () => {
  it('are separated by blanks of any number and kind', () => {
    assert.deepEqual(tokenize('  -A \t -t   192.0.2.1:80\t'), ['-A', '-t', '192.0.2.1:80']);
    assert.deepEqual(tokenize(' \t '), []);
  });

  it('end where a comment begins, which is at the start of a word only', () => {
    assert.deepEqual(tokenize('-C # all of it'), ['-C']);
    assert.deepEqual(tokenize('# -C'), []);
    assert.deepEqual(tokenize('-s w#lc'), ['-s', 'w#lc']);
    assert.deepEqual(tokenize('-s "#" \\#'), ['-s', '#', '#']);
  });

  it('are joined by quotes and backslashes', () => {
    assert.deepEqual(tokenize(`-s "a b"'c d'e\\ f`), ['-s', 'a bc de f']);
    assert.deepEqual(tokenize(`"a\\"b" 'a\\b' ""`), ['a"b', 'a\\b', '']);
  });

  it('are refused when a quote stays open', () => {
    for (const line of ['-s "wlc', "-s 'wlc", '-s "wlc\\"']) {
      assert.throws(() => tokenize(line), { code: 'ERR_TUNVS_RULES', message: /never closed: close it/ });
    }
  });

  it('are the same after being quoted and read again', () => {
    const word = fc.string({ unit: fc.constantFrom(...'ab1-.:/#\'"\\ \t[]%$'), maxLength: 12 });
    fc.assert(
      fc.property(fc.array(word, { maxLength: 5 }), (words) => {
        assert.deepEqual(tokenize(words.map(quoteToken).join(' ')), words);
      }),
    );
  });
});
