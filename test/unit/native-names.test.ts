import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import {
  type CounterMeaning,
  type CounterName,
  connectionStates,
  counterMeanings,
  Director,
  egresses,
  offloads,
  errorMeanings,
  forwardingMethods,
  realServerCounterMeanings,
  schedulers,
  timeoutStates,
} from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { counterNames, realServerCounterNames } from '../../lib/stats/counter-names.js';
import { forwardingTraits } from '../../lib/values/forwarding-method.js';

const api = readFileSync(new URL('../../../docs/api.md', import.meta.url), 'utf8');

/** Returns the first column of the table below a heading of docs/api.md. */
function documented(heading: string): string[] {
  const section = api.split(/^#+ /m).find((each) => each.startsWith(`${heading}\n`));
  assert.ok(section, `docs/api.md has a section "${heading}"`);
  return [...section.matchAll(/^[|-] `([^`]+)`/gm)].map((match) => match[1] ?? '');
}

describe('names', () => {
  const lists: [what: string, ours: readonly string[], theirs: readonly string[]][] = [
    ['schedulers', schedulers, native.schedulers],
    ['forwarding methods', forwardingMethods, native.forwardingMethods],
    ['egresses', egresses, native.egresses],
    ['offloads', offloads, native.offloads],
    ['timeouts', timeoutStates, native.timeoutNames],
    ['counters', counterNames, native.counters],
    ["a real server's counters", realServerCounterNames, native.decapCounters],
  ];
  for (const [what, ours, theirs] of lists) {
    it(`of ${what} are the same in TypeScript and in the native part`, () =>
      assert.deepEqual([...ours].sort(), [...theirs].sort()));
  }

  it('of states are the same in TypeScript and in the native part', () => {
    const listed = ['tcp', 'sctp'].flatMap((protocol) => {
      const url = new URL(`../../../native/director/protocol/${protocol}_state.h`, import.meta.url);
      const [, names = ''] = /StateNames\[\w+\] = \{([^}]*)\}/.exec(readFileSync(url, 'utf8')) ?? [];
      return [...names.matchAll(/"([^"]+)"/g)].map((match) => match[1] ?? '');
    });
    assert.deepEqual([...new Set([...listed, 'UDP', 'ASSURED'])].sort(), [...connectionStates].sort());
  });

  it('of forwarding methods mean the same in TypeScript and in the native part', () => {
    assert.deepEqual(
      forwardingMethods.map((method) => {
        const { listedAs: _, ...shared } = forwardingTraits[method];
        return shared;
      }),
      native.forwardingMethods.map((_, index) => native.forwardingTraits[index]),
    );
  });

  it('of counters are known to the compiler, and can be gone through', async () => {
    await using director = Director.offline({ source: '10.2.0.2' });
    const { counters } = director.stats();
    const received: bigint = counters.received;
    assert.equal(received, 0n);
    // @ts-expect-error: it is misspelt.
    assert.equal(counters.recieved, undefined);
    // @ts-expect-error: it is misspelt.
    assert.equal(counterMeanings.recieved, undefined);
    // @ts-expect-error: it is misspelt.
    assert.equal(realServerCounterMeanings.recieved, undefined);
    const sum = Object.values(counters).reduce((all, count) => all + count, 0n);
    assert.equal(sum, 0n);
    const named: Record<string, bigint> = counters;
    assert.deepEqual(Object.keys(named) as CounterName[], [...counterNames]);
  });

  it('of verdicts are names of counters', () => {
    assert.deepEqual(
      native.verdicts.filter((verdict) => !native.counters.includes(verdict)),
      [],
    );
  });

  const tables: [heading: string, names: readonly string[]][] = [
    ['Schedulers', native.schedulers],
    ['Forwarding methods', native.forwardingMethods],
    ['Egresses', native.egresses],
    ['Offloads', native.offloads],
    ['Counters', native.counters],
    ['Counters of userspace mode', native.decapCounters],
    ['Timeouts', timeoutStates],
    ['Sysctls', native.sysctlNames],
    ['Errors', Object.keys(errorMeanings)],
  ];
  for (const [heading, names] of tables) {
    it(`below "${heading}" of docs/api.md are all there are`, () => assert.deepEqual(documented(heading), names));
  }

  const meanings: [whose: string, names: readonly string[], meanings: Readonly<Record<string, CounterMeaning>>][] = [
    ["a director's", native.counters, counterMeanings],
    ["a real server's", native.decapCounters, realServerCounterMeanings],
  ];
  for (const [whose, names, meaningsOfNames] of meanings) {
    it(`of ${whose} counters stand in docs/api.md with what they mean`, () => {
      assert.deepEqual(Object.keys(meaningsOfNames), names);
      const entries = Object.entries(meaningsOfNames);
      for (const [name, { kind, sentence }] of entries) {
        const row = `| \`${name}\` | ${kind} | ${sentence} |`;
        assert.ok(api.includes(`\n${row}\n`), `docs/api.md lacks the row ${row}`);
        assert.match(sentence, /^\w.*[^.]$/, name);
      }
      assert.equal(new Set(entries.map(([, { kind, sentence }]) => `${kind} ${sentence}`)).size, names.length);
    });
  }

  it('of sysctls and timeouts stand in docs/api.md with the defaults that they have', async () => {
    await using director = Director.offline({ source: '10.2.0.2' });
    const defaults = new Map(
      [...api.matchAll(/^\| `(\w+)` *\| (-?\d+) *\|/gm)].map(([, name, value]) => [name, Number(value)]),
    );
    for (const [name, value] of Object.entries({ ...director.sysctls, ...director.stateTimeouts }))
      assert.equal(defaults.get(name), value, name);
  });

  it('of sysctls without effect are among the sysctls', () => {
    const inert = Object.keys(native.inertSysctls);
    assert.ok(inert.length > 0);
    for (const name of inert) assert.ok(native.sysctlNames.includes(name), name);
  });
});
