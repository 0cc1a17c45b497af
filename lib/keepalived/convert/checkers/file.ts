/** FILE_CHECK: the number in a file. */
import { Fields } from '../fields.js';
import { weightOf } from '../tracked-files.js';
import { last } from '../values.js';
import { type CheckerKind, checkOf } from './checker.js';

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
    const options = new Fields(checker.place)
      .set('path', file.file, name?.place)
      .set('weight', weightOf(weight, values) ?? file.weight, weight?.place);
    return [{ check: checkOf('file', options), timing: fields }];
  },
};
