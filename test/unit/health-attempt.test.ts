import { strict as assert } from 'node:assert';
import { Agenda } from '../../lib/health/agenda.js';
import { attempt, type Attempted } from '../../lib/health/attempt.js';
import type { Finding } from '../../lib/health/checks/check.js';
import { Stalls } from '../../lib/health/stalls.js';
import { VirtualClock } from '../support/virtual-clock.js';

describe('attempt', () => {
  let clock: VirtualClock;
  let agenda: Agenda;
  let stalls: Stalls;
  let found: Attempted[];
  beforeEach(() => {
    clock = new VirtualClock();
    stalls = new Stalls(clock);
    agenda = new Agenda(clock, stalls);
    agenda.begun(() => {});
    found = [];
  });
  afterEach(() => agenda.close());

  const begin = (run: (signal: AbortSignal) => Promise<Finding>) =>
    attempt({ clock, agenda, stalls }, { timeoutMs: 1000, limitMs: 1000 }, run, (each) => found.push(each));
  const never = () => new Promise<Finding>(() => {});

  it('fails what answers with no finding', async () => {
    for (const answer of [{}, { passed: 'yes' }, null, undefined, 'fine']) {
      found = [];
      begin(async () => answer as unknown as Finding);
      await clock.settle();
      assert.equal(found[0]?.finding.passed, false, `${answer}`);
      assert.match(found[0]?.finding.message ?? '', /no finding/);
    }
  });

  it('gives back the time of a stall once, and counts none from before it began', async () => {
    await clock.advance(100);
    await clock.block(700);
    let signal: AbortSignal | undefined;
    begin((given) => {
      signal = given;
      return never();
    });
    await clock.advance(1000);
    assert.equal(signal?.aborted, true, 'what stalled before is no matter');
    await clock.advance(50);
    assert.deepEqual(
      found.map(({ doubt }) => doubt),
      ['none'],
    );

    found = [];
    begin((given) => {
      signal = given;
      return never();
    });
    await clock.advance(100);
    await clock.block(600);
    await clock.advance(400);
    assert.equal(signal?.aborted, false, 'the stall is given back');
    await clock.advance(700);
    assert.equal(found.length, 1);
    assert.equal(found[0]?.finding.reason, 'timeout');
  });

  it('doubts a failure wholly when the process was blocked, and some when the server had its time besides', async () => {
    begin(async () => {
      await new Promise<void>((resolve) => clock.after(1500, resolve));
      throw new Error('reset');
    });
    await clock.block(1500);
    await clock.settle();
    assert.deepEqual(
      found.map(({ doubt }) => doubt),
      ['full'],
    );
    found = [];
    begin(never);
    await clock.advance(100);
    await clock.block(1200);
    await clock.advance(2000);
    assert.deepEqual(
      found.map(({ doubt, finding }) => [doubt, finding.reason]),
      [['some', 'timeout']],
    );
  });
});
