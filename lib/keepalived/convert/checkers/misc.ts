/** MISC_CHECK: a script ends with 0. */
import { Fields } from '../fields.js';
import { durationText, last } from '../values.js';
import { type CheckerKind, checkOf } from './checker.js';

export const MISC_CHECK: CheckerKind = {
  timing: { retries: 0, retryDelayMs: 1000, timeout: 'none' },
  make: (checker, { intervalMs, fields }, { values, scripts }) => {
    const path = last(checker.block, 'misc_path');
    if (path === undefined) {
      values.said.mistake(checker.place, 'MISC_CHECK has no misc_path', 'write misc_path "PROGRAM ARGUMENTS"');
      return [];
    }
    const limit = last(checker.block, 'misc_timeout');
    const timeoutMs = values.seconds(limit, 0.000001) ?? intervalMs;
    const dynamic = last(checker.block, 'misc_dynamic');
    const isDynamic = values.boolean(dynamic) ?? false;
    const user = last(checker.block, 'user');
    const script = scripts.script(path, user);
    if (script === undefined) return [];
    const [program, ...words] = script.words;
    const options = new Fields(checker.place)
      .set('path', program, path.place)
      .set('arguments', words.length > 0 ? words : undefined, path.place)
      .set('dynamic', isDynamic || undefined, dynamic?.place)
      .set('user', script.ids?.name, user?.place)
      .set('refuseUnsafe', scripts.isSafe || undefined);
    return [{ check: checkOf('exec', options), timing: fields.set('timeout', durationText(timeoutMs), limit?.place) }];
  },
};
