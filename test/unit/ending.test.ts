import { strict as assert } from 'node:assert';
import { endedByError } from '../../lib/cli/ending.js';
import { run } from '../../lib/cli/verbs/run.js';
import { TunvsError } from '../../lib/values/errors.js';
import { cli } from '../support/cli.js';

const lost = new TunvsError('ERR_TUNVS_SYSTEM', 'the device is lost: close the director and open it again');

describe('the end of a verb that ran', () => {
  it('is told by the failure that ended it, if closing failed as well', () => {
    const both = new AggregateError([lost, new Error('the host could not be restored')], 'it failed, and so on');
    assert.deepEqual(endedByError(both), {
      reason: 'error',
      message: 'the device is lost: start the command again',
    });
  });

  it('is told in the words of the command line', () => {
    const refused = new TunvsError('ERR_TUNVS_INVALID_ARGUMENT', 'Director.open: source: expected one', {
      option: 'source',
    });
    assert.deepEqual(endedByError(refused), { reason: 'error', message: '--source: expected one' });
  });

  it('is told in JSON as on standard error', async () => {
    const rules = '-A -t 192.0.2.1:80\n';
    const args = ['run', '--json', '--rules', '-', '--source', '10.2.0.2', '--device', 'a:b'];
    const { stdout, stderr } = await cli(args, [run], rules);
    const { event, reason, message } = JSON.parse(stdout);
    assert.deepEqual([event, reason, `tunvs run: ${message}\n`], ['stopped', 'error', stderr]);
  });
});
