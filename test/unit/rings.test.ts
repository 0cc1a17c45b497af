import { strict as assert } from 'node:assert';
import { mock } from 'node:test';
import { Rings } from '../../lib/director/rings.js';
import type { NativeEvent, NativeRing } from '../../lib/native/engine.js';

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe('the rings of a director', () => {
  let state: NativeRing[];
  let set: string[][];
  let looks: number;
  let isEnded: boolean;
  let told: Pick<NativeEvent, 'type' | 'value' | 'message'>[];

  const engine = {
    setRingPrefixes: (prefixes: string[]) => {
      set.push(prefixes);
      state = state.map((each) => ({ ...each, prefixes: prefixes.length }));
    },
    rings: () => {
      looks++;
      return state;
    },
  };
  const make = () =>
    new Rings(
      engine,
      () => isEnded,
      ({ type, value, message }) => told.push({ type, value, message }),
    );

  beforeEach(() => {
    mock.timers.enable({ apis: ['setTimeout'] });
    state = [{ device: 'eth0', isTaking: true, reason: '', prefixes: 0, dropped: 0 }];
    set = [];
    told = [];
    looks = 0;
    isEnded = false;
  });
  afterEach(() => mock.timers.reset());

  it('take what came last, once for all changes of a turn', async () => {
    const rings = make();
    for (const prefixes of [['192.0.2.1'], ['192.0.2.1', '192.0.2.2'], ['192.0.2.2']]) rings.take(new Set(prefixes));
    assert.deepEqual(set, []);
    await turn();
    assert.deepEqual(set, [['192.0.2.2']]);
    assert.equal(rings.list()[0]?.prefixes, 1);
  });

  it('tell of each change once, and leave the engine alone once it has ended', async () => {
    const rings = make();
    mock.timers.tick(2000);
    assert.deepEqual(told, []);
    state = [{ ...(state[0] as NativeRing), isTaking: false, reason: "a ring's device eth0 is gone" }];
    mock.timers.tick(2000);
    state = [{ ...(state[0] as NativeRing), isTaking: true, reason: '' }];
    mock.timers.tick(1000);
    assert.deepEqual(told, [
      { type: 'ringChanged', value: 0, message: "a ring's device eth0 is gone" },
      { type: 'ringChanged', value: 1, message: 'the ring takes what comes in by eth0 again' },
    ]);
    rings.take(new Set(['192.0.2.1']));
    isEnded = true;
    const before = looks;
    await turn();
    mock.timers.tick(5000);
    assert.deepEqual([set, looks], [[], before]);
  });

  it('ask nothing where there are none', async () => {
    state = [];
    const rings = make();
    rings.take(new Set(['192.0.2.1']));
    await turn();
    mock.timers.tick(5000);
    assert.deepEqual([set, looks], [[], 1]);
  });
});
