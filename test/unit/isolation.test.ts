import { strict as assert } from 'node:assert';
import { isIsolatedUser } from '../../lib/lab/isolation.js';

describe('a user namespace', () => {
  const maps: [what: string, map: string, isIsolated: boolean][] = [
    ['that an ordinary user has made', '         0       1000          1\n', true],
    ['that root has made', '         0          0          1\n', false],
    ['of the host', '         0          0 4294967295\n', false],
    ['of a container with users of its own', '         0     100000      65536\n', false],
    ["of an ordinary user's container", '         0       1000          1\n         1     100000      65536\n', false],
    ['in which nobody is root', '      1000       1000          1\n', false],
  ];
  for (const [what, map, isIsolated] of maps) {
    it(`${what} is ${isIsolated ? '' : 'not '}one that others must enter first`, () => {
      assert.equal(isIsolatedUser(map), isIsolated);
    });
  }
});
