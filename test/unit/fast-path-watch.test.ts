import { strict as assert } from 'node:assert';
import { mock } from 'node:test';
import { watchFastPath } from '../../lib/director/fast-path-watch.js';
import type { NativeEvent, NativeFastPath } from '../../lib/native/engine.js';

describe('the watch over the fast path', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());

  it('tells of each change once, and ends with the director', () => {
    let now: NativeFastPath | undefined = { isInForce: true, reason: '', hooks: [] };
    let reads = 0;
    const told: Pick<NativeEvent, 'value' | 'message'>[] = [];
    const read = () => {
      reads++;
      return now;
    };
    watchFastPath(read, ({ type, value, message }) => {
      assert.equal(type, 'fastPathChanged');
      told.push({ value, message });
    });
    mock.timers.tick(3000);
    assert.deepEqual(told, []);
    now = { isInForce: true, reason: 'there is no device up', hooks: [] };
    mock.timers.tick(3000);
    now = { isInForce: false, reason: 'tunvs0 is gone', hooks: [] };
    mock.timers.tick(1000);
    now = { isInForce: true, reason: '', hooks: [] };
    mock.timers.tick(1000);
    assert.deepEqual(told, [
      { value: 0, message: 'the fast path lacks a part: there is no device up' },
      { value: 0, message: 'the fast path is off: tunvs0 is gone' },
      { value: 1, message: 'the fast path is where it was to be again' },
    ]);
    now = undefined;
    mock.timers.tick(1000);
    const readsAtEnd = reads;
    mock.timers.tick(5000);
    assert.equal(reads, readsAtEnd);
  });
});
