/** FILE_CHECK: the number in a file. keepalived sees a change of it at once. */
import { Fields } from '../fields.js';
import { weightOf } from '../tracked-files.js';
import { last } from '../values.js';
import { type CheckerKind, checkOf } from './checker.js';

const SOON = '1s';

export const FILE_CHECK: CheckerKind = {
  timing: { retries: 0, retryDelayMs: 1000, timeout: 'none' },
  make: (checker, { fields }, { values, tracked }) => {
    const name = last(checker.block, 'track_file');
    const said = values.word(name, 'the name of a track_file block');
    const file = said === undefined ? undefined : tracked.get(said);
    if (file === undefined) {
      const place = name?.place ?? checker.place;
      if (name === undefined) values.said.mistake(place, 'FILE_CHECK has no track_file', 'write track_file NAME');
      else if (said !== undefined)
        values.said.mistake(place, `there is no file ${said}`, 'write track_file NAME { file "PATH" } for it');
      return [];
    }
    const weight = last(checker.block, 'weight');
    const chosen = weightOf(weight, values) ?? file;
    const options = new Fields(checker.place)
      .set('path', file.file, name?.place)
      .set('weight', chosen.weight, weight?.place)
      .set('reverse', chosen.isReverse || undefined, weight?.place)
      .set('missing', 'zero');
    const timing = fields.set('interval', SOON).set('timeout', SOON).set('retries', 0).set('warmUp', '0s');
    return [{ check: checkOf('file', options), timing }];
  },
};
