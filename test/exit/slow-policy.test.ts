/** A policy that is slower than connections come gets the event loop only in turns. */
import { strict as assert } from 'node:assert';
import { describeLab, type LabHost } from '../support/lab.js';
import { beforeOnLoneHost } from '../support/lone-host.js';

const PROGRAM = new URL('./programs/slow-policy.js', import.meta.url);

/** A turn takes a few connections of 1 ms; as many as 64 are put at once where the earlier ones were quick. */
const MOST_IN_A_TURN = 128;

describeLab('a connection policy that is slower than connections come', () => {
  let host: LabHost;

  beforeOnLoneHost((made) => {
    host = made;
  });

  it('lets timers in between its turns', async () => {
    const child = host.spawn([process.execPath, PROGRAM.pathname]);
    const { code, signal } = await child.exited;
    assert.deepEqual({ code, signal }, { code: 0, signal: null }, child.stderr);
    const { asked, atOnce } = JSON.parse(child.lines[0] ?? '{}');
    assert.ok(asked > 10 * MOST_IN_A_TURN, `asked ${asked} times`);
    assert.ok(atOnce <= MOST_IN_A_TURN, `asked ${atOnce} times before a timer had its turn`);
  });
});
