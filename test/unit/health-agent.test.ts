import { strict as assert } from 'node:assert';
import type { Socket } from 'node:net';
import fc from 'fast-check';
import { AgentMemory } from '../../lib/health/checks/agent/agent-memory.js';
import { type AgentWords, parseAgentLine } from '../../lib/health/checks/agent/agent-text.js';
import { type AgentCheckOptions, agentCheck } from '../../lib/health/checks/agent.js';
import type { Check, Finding } from '../../lib/health/checks/check.js';
import { abortedBy, findingOf, freePort, leavesNothingOpen, serve } from '../support/checked.js';
import { fuzzRuns } from '../support/fuzz-runs.js';

/** Runs one check against an agent that gives each answer in turn. */
async function findings(answers: readonly string[], more: Partial<AgentCheckOptions> = {}): Promise<Finding[]> {
  const left = [...answers];
  await using agent = await serve((socket: Socket) => socket.end(left.shift() ?? ''));
  const check = agentCheck({ port: agent.port, ...more });
  const found: Finding[] = [];
  for (const _ of answers) found.push(await findingOf(check, 80));
  return found;
}

const only = async (answer: string, more: Partial<AgentCheckOptions> = {}) =>
  (await findings([answer], more))[0] as Finding;

describe('the text of an agent', () => {
  const lines: [line: string, words: AgentWords][] = [
    ['75%', { factor: 0.75 }],
    ['0%', { factor: 0 }],
    ['150%', { factor: 1.5 }],
    ['99999999%', { factor: 256 }],
    ['maxconn:30', { maxconn: 30 }],
    ['up', { operating: 'up' }],
    ['UP Ready', { operating: 'up', administrative: 'ready' }],
    ['down#the disk is full, up 50%', { operating: 'down', description: 'the disk is full, up 50%' }],
    ['stopped # by hand', { operating: 'stopped', description: 'by hand' }],
    ['fail\t,drain', { operating: 'fail', administrative: 'drain' }],
    ['up, ready,80%  maxconn:5', { operating: 'up', administrative: 'ready', factor: 0.8, maxconn: 5 }],
    ['down up', { operating: 'up' }],
    ['', {}],
    ['75', { unknown: ['75'] }],
    ['-5% 1.5% maxconn: maxconn:x', { unknown: ['-5%', '1.5%', 'maxconn:'] }],
    ['toString __proto__', { unknown: ['tostring', '__proto__'] }],
  ];
  for (const [line, words] of lines) it(`is read: ${line}`, () => assert.deepEqual(parseAgentLine(line), words));

  it('is read whatever it is', () =>
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.string({ unit: 'binary' })), (line) => {
        const { factor = 0, maxconn = 0, unknown = [] } = parseAgentLine(line);
        assert.ok(factor >= 0 && factor <= 256 && maxconn >= 0 && unknown.length <= 3);
      }),
      { numRuns: fuzzRuns(3000) },
    ));

  it('says the same in another order of words that have nothing to do with each other', () =>
    fc.assert(
      fc.property(fc.shuffledSubarray(['up', 'drain', '40%', 'maxconn:7']), (words) => {
        assert.deepEqual(parseAgentLine(words.join(' ')), parseAgentLine(words.sort().join(',')));
      }),
      { numRuns: fuzzRuns(100) },
    ));
});

describe('a check by an agent', () => {
  it('takes the weight that the agent says', async () => {
    assert.deepEqual(await only('75%\n'), { passed: true, message: 'the agent says 75%', advice: { factor: 0.75 } });
    assert.deepEqual(await only('up\r\nmore'), { passed: true, message: 'the agent says up' });
    assert.deepEqual(await only('drain'), { passed: true, message: 'the agent says drain', advice: { weight: 0 } });
  });

  for (const word of ['down', 'failed', 'fail', 'stopped', 'maint'])
    it(`fails the server: ${word}`, async () => {
      const message = `the agent says ${word}`;
      assert.deepEqual(await only(`${word}\n`), { passed: false, reason: 'wrong answer', message });
    });

  it('says the description', async () =>
    assert.equal((await only('down # disk\x1b full\n')).message, 'the agent says down: disk\\u001b full'));

  it('keeps what an answer does not name', async () => {
    const found = await findings([
      '50% drain\n',
      'up\n',
      'ready\n',
      'down # why\n',
      '80%\n',
      'maint\n',
      'up\n',
      'ready 100%\n',
    ]);
    assert.deepEqual(
      found.map(({ message }) => message.replace('the agent says ', '')),
      ['drain', 'drain', '50%', 'down: why', 'down: why', 'maint', 'maint', '100%'],
    );
  });

  it('keeps what servers have apart', () => {
    const memory = new AgentMemory();
    memory.learn('a', { factor: 0.5 });
    memory.learn('b', { operating: 'down' });
    assert.deepEqual(memory.recall('a'), { factor: 0.5 });
    assert.deepEqual(memory.recall('b'), { operating: 'down' });
    assert.deepEqual(memory.recall('c'), {});
  });

  it('forgets the server that was asked the longest ago', () => {
    const memory = new AgentMemory();
    for (let n = 0; n <= AgentMemory.MAX_SERVERS; n++) memory.learn(String(n), { factor: n });
    assert.deepEqual(memory.recall('0'), {});
    assert.deepEqual(memory.recall('1'), { factor: 1 });
  });

  it('does not fail a server whose agent cannot be reached, unless it must answer', () =>
    leavesNothingOpen(async () => {
      const port = await freePort();
      const finding = await findingOf(agentCheck({ port }), 80);
      assert.deepEqual(finding, {
        passed: true,
        message: 'the agent says up',
        warning: 'the agent does not answer: connection refused',
      });
      assert.equal((await findingOf(agentCheck({ port, mustAnswer: true }), 80)).reason, 'refused');
    }));

  it('does not turn a server up whose agent said down and is gone', async () => {
    const found = await findings(['down\n', '']);
    assert.deepEqual(
      found.map(({ passed }) => passed),
      [false, false],
    );
  });

  it('sends what it is told to', async () => {
    await using agent = await serve((socket) => socket.once('data', (sent) => socket.end(`down # ${sent}`)));
    const { message } = await findingOf(agentCheck({ port: agent.port, send: 'hello\n' }), 80);
    assert.equal(message, 'the agent says down: hello');
  });

  it('bounds the line and the time', () =>
    leavesNothingOpen(async () => {
      assert.match((await only('x'.repeat(5000), { mustAnswer: true })).message, /^a line of more than 1024 bytes$/);
      assert.equal((await only('', { mustAnswer: true })).reason, 'closed');
      await using silent = await serve(() => {});
      const isTaken = (async () => {
        while (silent.taken.length === 0) await new Promise(setImmediate);
      })();
      const check: Check = agentCheck({ port: silent.port, mustAnswer: true });
      assert.equal((await findingOf(check, 80, abortedBy(isTaken))).reason, 'timeout');
    }));

  it('warns of words that mean nothing', async () =>
    assert.equal((await only('up 75\n')).warning, 'the agent says what means nothing: "75"'));

  it('fails a server whose agent has to answer and says nothing that is known', async () => {
    for (const [line, message] of [
      ['\n', 'the agent says nothing'],
      ['# all is well\n', 'the agent says nothing'],
      ['-1% \x1b[2J\n', 'the agent says what means nothing: "-1%", "\\u001b[2j"'],
    ] as const)
      assert.deepEqual(await only(line, { mustAnswer: true }), { passed: false, reason: 'wrong answer', message });
    for (const line of ['ready\n', '50%\n', 'maxconn:3\n'])
      assert.equal((await only(line, { mustAnswer: true })).passed, true, line);
  });

  it('needs a port', () =>
    assert.throws(() => agentCheck({} as AgentCheckOptions), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'port' }));
});
