import { strict as assert } from 'node:assert';
import { checkKinds } from '../../lib/health/checks/index.js';
import { type CheckOption, defineKind } from '../../lib/health/checks/kind.js';
import { passed } from '../../lib/health/checks/check.js';

const refusal = (option: string, message: RegExp) => ({ code: 'ERR_TUNVS_INVALID_ARGUMENT', option, message });

interface SampleOptions {
  name: string;
  count?: number;
  waitMs?: number;
  words?: string[];
  headers?: Record<string, string>;
}

const sample = defineKind<SampleOptions, 'count'>({
  name: 'sample',
  description: 'Passes.',
  options: {
    name: { type: 'string', what: 'a word', pattern: /^\w+$/, isRequired: true, description: 'Sets the name.' },
    count: { type: 'integer', min: 1, max: 9, default: 3, description: 'Sets the count.' },
    waitMs: { type: 'duration', minMs: 1, maxMs: 1000, description: 'Sets the wait.' },
    words: { type: 'list', of: { type: 'choice', choices: ['a', 'b'] }, max: 2, description: 'Lists words.' },
    headers: {
      type: 'map',
      keys: /^[a-z]+$/,
      of: { type: 'string', what: 'a text', maxLength: 3 },
      max: 2,
      description: 'Sets headers.',
    },
  },
  prepare:
    ({ name, count }) =>
    async () =>
      passed(`${name} ${count}`),
});

describe('a kind of check', () => {
  it('gives its defaults to the check, and makes checks with the same values the same', async () => {
    const check = sample.make({ name: 'x', headers: { b: '2', a: '1' } });
    assert.equal(check.kind, 'sample');
    assert.equal((await check.run({} as never)).message, 'x 3');
    assert.equal(check.identity, sample.make({ headers: { a: '1', b: '2' }, count: 3, name: 'x' }).identity);
    assert.notEqual(check.identity, sample.make({ name: 'x' }).identity);
  });

  const mistakes: [what: string, options: object, option: string, message: RegExp][] = [
    ['a missing option', {}, 'name', /^sample: name: expected a word, got undefined$/],
    ['an unknown option', { name: 'x', size: 1 }, 'size', /there is no option "size"; it takes name, count/],
    ['a text that does not match', { name: 'x y' }, 'name', /expected a word, got 'x y'/],
    ['null', { name: 'x', count: null }, 'count', /an integer from 1 to 9, got null/],
    ['an integer out of range', { name: 'x', count: 10 }, 'count', /an integer from 1 to 9, got 10/],
    ['a duration that is too long', { name: 'x', waitMs: 1001 }, 'waitMs', /milliseconds from 1 to 1000, got 1001/],
    ['a word of a list', { name: 'x', words: ['a', 'c'] }, 'words[1]', /words\[1\]: expected one of 'a', 'b'/],
    ['a list that is too long', { name: 'x', words: ['a', 'a', 'a'] }, 'words', /a list of 0 to 2 values/],
    ['a key of a map', { name: 'x', headers: { 'A B': '1' } }, 'headers', /names that match/],
    ['a value of a map', { name: 'x', headers: { a: 'four' } }, 'headers.a', /at most 3 characters/],
    ['a map that is a list', { name: 'x', headers: [] }, 'headers', /expected an object/],
  ];
  for (const [what, options, option, message] of mistakes)
    it(`refuses ${what}`, () => assert.throws(() => sample.make(options as SampleOptions), refusal(option, message)));

  it('has a name of its own, and options that say what they do and take their defaults', () => {
    assert.equal(new Set(checkKinds.map(({ name }) => name)).size, checkKinds.length);
    for (const { name, description, options } of checkKinds) {
      assert.match(description, /^[A-Z].*\.$/, name);
      for (const [key, option] of Object.entries(options) as [string, CheckOption][]) {
        assert.match(option.description, /^[A-Z][a-z]+s .*\.$/, `${name}.${key}`);
        if (option.type === 'duration') assert.match(key, /Ms$/, `${name}.${key}`);
      }
    }
  });
});
