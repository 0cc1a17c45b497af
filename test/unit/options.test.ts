import { strict as assert } from 'node:assert';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  durationOption,
  functionOption,
  integerOption,
  signalOption,
  uint64Option,
} from '../../lib/values/options.js';

const refusal = (message: string | RegExp) => ({ code: 'ERR_TUNVS_INVALID_ARGUMENT', message });

describe('options', () => {
  it('take their fallback only when they are left out', () => {
    assert.equal(integerOption('n', undefined, 1, 9, 5), 5);
    assert.equal(integerOption('n', 1, 1, 9, 5), 1);
    assert.throws(() => integerOption('n', null, 1, 9, 5), refusal('n: expected an integer from 1 to 9, got null'));
    assert.equal(booleanOption('b', undefined, true), true);
    assert.equal(choiceOption('c', undefined, ['x', 'y'], 'y'), 'y');
    assert.equal(durationOption('d', undefined, 10, 1000), 1000);
  });

  const table: [what: string, check: () => unknown, message: string | RegExp][] = [
    [
      'an integer as text',
      () => integerOption('weight', '3', 0, 9),
      "weight: expected an integer from 0 to 9, got '3'",
    ],
    ['a fraction', () => integerOption('weight', 1.5, 0, 9), 'weight: expected an integer from 0 to 9, got 1.5'],
    ['an integer below', () => integerOption('weight', -1, 0, 9), 'weight: expected an integer from 0 to 9, got -1'],
    ['an integer above', () => integerOption('weight', 10, 0, 9), 'weight: expected an integer from 0 to 9, got 10'],
    ['NaN', () => integerOption('weight', Number.NaN, 0, 9), /got NaN$/],
    ['a required integer left out', () => integerOption('weight', undefined, 0, 9), /got undefined$/],
    [
      'a duration that is too long for a timer',
      () => durationOption('d', 2 ** 31, 0),
      /from 0 to 2147483647, got 2147483648$/,
    ],
    ['a duration of NaN', () => durationOption('d', Number.NaN, 0), /got NaN$/],
    ['1 for a boolean', () => booleanOption('b', 1, true), 'b: expected true or false, got 1'],
    ['an unknown choice', () => choiceOption('c', 'z', ['x', 'y']), "c: expected one of 'x', 'y', got 'z'"],
    [
      'a host name',
      () => addressOption('a', 'example.org'),
      "a: expected an IP address such as '192.0.2.1', got 'example.org'",
    ],
    ['an address with a prefix', () => addressOption('a', '192.0.2.1/24'), /^a: expected an IP address/],
    ['an address with a zone', () => addressOption('a', 'fe80::1%eth0'), /^a: expected an IP address/],
    ['a multicast address', () => addressOption('a', '224.0.0.1'), /^a: expected a unicast address.*got '224.0.0.1'$/],
    ['0.0.0.0', () => addressOption('a', '0.0.0.0'), /^a: expected a unicast address/],
    ['the broadcast address', () => addressOption('a', '255.255.255.255'), /^a: expected a unicast address/],
    ['the unspecified IPv6 address', () => addressOption('a', '::'), /^a: expected a unicast address/],
    ['a negative seed', () => uint64Option('s', -1n), /^s: expected an integer from 0 to 2\^64 - 1/],
    ['a seed of 65 bits', () => uint64Option('s', 1n << 64n), /got 18446744073709551616n$/],
    ['a seed that lost bits', () => uint64Option('s', 2 ** 53), /as a bigint or a safe integer/],
    ['an AbortController', () => signalOption('signal', new AbortController()), /^signal: expected an AbortSignal/],
    ['no function', () => functionOption('f', 1), 'f: expected a function, got 1'],
    [
      'no object',
      () => checkedOptions('open', undefined as unknown as object, []),
      'open options: expected an object, got undefined',
    ],
    ['a list', () => checkedOptions('open', [], []), 'open options: expected an object, got []'],
    [
      'an unknown option',
      () => checkedOptions('open', { qeues: 1 } as { queues?: number }, ['queues']),
      'open: there is no option "qeues"; it takes queues',
    ],
  ];
  for (const [what, check, message] of table) {
    it(`refuse ${what} by name`, () => assert.throws(check, refusal(message)));
  }

  it('name the option whose value should have been options themselves', () => {
    assert.throws(() => checkedOptions('add: slowStart', 5 as unknown as object, []), { option: 'slowStart' });
    assert.throws(() => checkedOptions('add', 5 as unknown as object, []), { option: 'add' });
  });

  it('give addresses in their canonical spelling', () => {
    assert.equal(addressOption('a', '2001:DB8:0:0:0:0:0:1'), '2001:db8::1');
    assert.equal(addressOption('a', '192.0.2.1'), '192.0.2.1');
  });

  it('take 64-bit seeds as bigint and as number', () => {
    assert.equal(uint64Option('s', (1n << 64n) - 1n), 18446744073709551615n);
    assert.equal(uint64Option('s', 7), 7n);
  });

  it('show at most a line of what came', () => {
    assert.throws(
      () => integerOption('n', 'x'.repeat(10_000), 0, 1),
      (error: Error) => error.message.length < 200,
    );
  });
});
