import { strict as assert } from 'node:assert';
import { CheckFailure, type Finding } from '../../lib/health/checks/check.js';
import { plainFailure, plainFinding } from '../../lib/health/plain-finding.js';
import { healthSentences } from '../../lib/health/sentences.js';

const NONE: Finding = { passed: false, reason: 'failed', message: 'the check has answered with no finding' };
const hostile = new Proxy(
  {},
  {
    get() {
      throw new Error('a getter');
    },
    getPrototypeOf() {
      throw new Error('a prototype');
    },
  },
);
const unreadable = { __proto__: null };

describe('what a check has answered', () => {
  it('is kept when it is a finding', () => {
    const finding: Finding = { passed: true, message: 'ok', mend: 'a', warning: 'b', advice: { factor: 0.5 } };
    assert.deepEqual(plainFinding(finding), finding);
    const fault: Finding = { passed: false, reason: 'failed', message: 'no port', isOwnFault: true };
    assert.deepEqual(plainFinding(fault), fault);
  });

  for (const answer of [
    undefined,
    null,
    1,
    'up',
    {},
    { passed: 'yes' },
    hostile,
    { passed: true, message: unreadable },
  ])
    it(`is no finding when it is ${answer === hostile ? 'a proxy that throws' : typeof answer} `.trim(), () =>
      assert.deepEqual(plainFinding(answer), NONE),
    );

  it('has texts that fit a line, and steer no terminal', () => {
    const text = `\x1b[2J\n${'x'.repeat(1 << 20)}`;
    const {
      message,
      mend = '',
      warning = '',
    } = plainFinding({ passed: false, message: text, mend: text, warning: text });
    for (const each of [message, mend, warning]) {
      assert.ok(each.startsWith('\\u001b[2J\\u000ax'), each.slice(0, 20));
      assert.ok(each.length < 1100, String(each.length));
    }
  });

  it('can be told in a sentence, whatever its types were', () => {
    const { message, mend } = plainFinding({ passed: false, message: 7, mend: 5, reason: 'bored' });
    assert.deepEqual([message, mend], ['7', '5']);
    const named = { address: '192.0.2.1', port: 80, protocol: 'tcp' };
    const event = { service: named, server: named, isUp: false, isFirst: false, message, mend, at: 0 };
    assert.match(healthSentences.server(event as never), /is down, 7: 5$/);
  });

  it('has a reason that is known, and advice that does not change afterwards', () => {
    assert.equal(plainFinding({ passed: false, reason: 'bored', message: '' }).reason, 'failed');
    const advice = { weight: 3 };
    const finding = plainFinding({ passed: true, message: '', advice });
    advice.weight = Number.NaN;
    assert.deepEqual(finding.advice, { weight: 3 });
    assert.equal(plainFinding({ passed: true, message: '', advice }).advice, undefined);
  });

  it('may be any error', () => {
    const known = new CheckFailure('closed', 'gone\n', { mend: 'Look.' });
    assert.deepEqual(plainFailure(known), { passed: false, reason: 'closed', message: 'gone\\u000a', mend: 'Look.' });
    const failed = (message: string): Finding => ({ passed: false, reason: 'failed', message });
    assert.deepEqual(plainFailure(new RangeError('x')), failed('x'));
    assert.deepEqual(plainFailure('y'), failed('y'));
    assert.deepEqual(plainFailure(undefined), failed('the check has thrown what cannot be read'));
    assert.deepEqual(plainFailure(unreadable), failed('the check has thrown what cannot be read'));
    assert.deepEqual(plainFailure(hostile), failed('the check has thrown what cannot be read'));
  });
});
