import { strict as assert } from 'node:assert';
import { inspect } from 'node:util';
import { errorMeanings, isTunvsErrorCode, TunvsError, toTunvsError, wrapNative } from '../../lib/values/errors.js';

describe('TunvsError', () => {
  it('has a code, and no syscall or errno where there was none', () => {
    const error = new TunvsError('ERR_TUNVS_EXISTS', 'it is there');
    assert.equal(error.code, 'ERR_TUNVS_EXISTS');
    assert.equal(error.name, 'TunvsError');
    assert.equal('syscall' in error, false);
    assert.equal('errno' in error, false);
    assert.equal('cause' in error, false);
  });

  it('keeps code, syscall, errno and message of a native error, and says them once', () => {
    const cause = Object.assign(new Error('no'), { code: 'ERR_TUNVS_PERMISSION', syscall: 'ioctl', errno: 1 });
    const error = toTunvsError(cause);
    assert.ok(error instanceof TunvsError);
    assert.equal(error.code, 'ERR_TUNVS_PERMISSION');
    assert.equal(error.syscall, 'ioctl');
    assert.equal(error.errno, 1);
    assert.equal(error.message, 'no');
    assert.equal('cause' in error, false);
    assert.equal(inspect(error).split('Error: no').length, 2, inspect(error));
  });

  it('keeps as its cause what knows more than it', () => {
    const missing = Object.assign(new Error('no such file'), { code: 'ENOENT', path: '/proc' });
    assert.equal(toTunvsError(missing).cause, missing);
    const object = { code: 'ERR_TUNVS_BUSY', why: 'because' };
    assert.equal(toTunvsError(object).cause, object);
  });

  it('is shown with its cause, whose sentence is said once', () => {
    const deepest = Object.assign(new RangeError('no idea'), { path: '/proc' });
    const cause = new TunvsError('ERR_TUNVS_POLICY', 'the policy failed: no idea', { cause: deepest });
    const error = new TunvsError('ERR_TUNVS_HOST', 'not undone: the policy failed: no idea', { cause });
    const shown = inspect(error);
    assert.equal(shown.split('no idea').length, 2, shown);
    assert.match(shown, /^TunvsError: not undone: the policy failed: no idea\n {4}at .*errors\.test/);
    assert.match(
      shown,
      /\[cause\]: TunvsError: \(said above\)\n +at .*\n[\s\S]*\[cause\]: RangeError: \(said above\)\n +at /,
    );
    assert.match(shown, /code: 'ERR_TUNVS_HOST'[\s\S]*code: 'ERR_TUNVS_POLICY'[\s\S]*path: '\/proc'/);
    assert.equal(error.cause, cause);
    assert.equal(cause.message, 'the policy failed: no idea');
  });

  it('is shown with what its cause says besides, whatever that is', () => {
    const error = new TunvsError('ERR_TUNVS_POLICY', 'it failed', { cause: new Error('for a reason') });
    assert.match(inspect(error), /\[cause\]: Error: for a reason/);
    const odd = Object.assign(new Error('x'), { message: 5 });
    assert.match(inspect(new TunvsError('ERR_TUNVS_POLICY', 'it failed', { cause: odd })), /^TunvsError: it failed/);
  });

  it('turns the negative errno of Node into a positive one', () => {
    assert.equal(toTunvsError(Object.assign(new Error('x'), { code: 'ENOENT', errno: -2 })).errno, 2);
  });

  for (const [what, thrown] of [
    ['an error with a foreign code', Object.assign(new Error('x'), { code: 'ENOENT' })],
    ['a code that only looks like ours', Object.assign(new Error('x'), { code: 'toString' })],
    ['a string', 'x'],
    ['undefined', undefined],
  ] as const) {
    it(`gives ${what} the code ERR_TUNVS_SYSTEM`, () => assert.equal(toTunvsError(thrown).code, 'ERR_TUNVS_SYSTEM'));
  }

  it('leaves a TunvsError as it is', () => {
    const error = new TunvsError('ERR_TUNVS_BUSY', 'x');
    assert.equal(toTunvsError(error), error);
    assert.throws(
      () =>
        wrapNative(() => {
          throw error;
        }),
      (thrown) => thrown === error,
    );
  });

  it('has a meaning for each code', () => {
    for (const [code, meaning] of Object.entries(errorMeanings)) {
      assert.ok(isTunvsErrorCode(code));
      assert.match(meaning, /: /, `${code} says what it means and how it is mended`);
    }
  });
});
