import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { CheckFailure, type Finding } from '../../lib/health/checks/check.js';
import { type CheckFunction, functionCheck } from '../../lib/health/checks/function.js';
import { findingOf, freePort, leavesNothingOpen, serve } from '../support/checked.js';

const found = (check: CheckFunction, port = 80, signal?: AbortSignal) => findingOf(functionCheck(check), port, signal);
const SAYS_SO = 'the function says so';

describe('a check by a function', () => {
  const answers: [what: string, check: CheckFunction, finding: Finding][] = [
    ['nothing', () => {}, { passed: true, message: SAYS_SO }],
    ['true', async () => true, { passed: true, message: SAYS_SO }],
    ['false', async () => false, { passed: false, reason: 'wrong answer', message: SAYS_SO }],
    ['a message', () => ({ message: 'replica' }), { passed: true, message: 'replica' }],
    ['a reason', () => ({ reason: 'closed' }), { passed: false, reason: 'closed', message: SAYS_SO }],
    ['that it failed', () => ({ passed: false }), { passed: false, reason: 'wrong answer', message: SAYS_SO }],
    ['a weight', () => ({ advice: { weight: 3 } }), { passed: true, message: SAYS_SO, advice: { weight: 3 } }],
  ];
  for (const [what, check, finding] of answers)
    it(`may answer ${what}`, async () => assert.deepEqual(await found(check), finding));

  const mistakes: [what: string, answer: unknown][] = [
    ['a number', 1],
    ['null', null],
    ['a message that is no text', { message: 1 }],
    ['a reason that is none', { reason: 'bored' }],
    ['a weight below zero', { advice: { weight: -1 } }],
    ['a weight that is no number', { advice: { factor: Number.NaN } }],
    ['two pieces of advice', { advice: { weight: 1, factor: 1 } }],
    ['advice that is none', { advice: { size: 1 } }],
    ['advice without anything', { advice: {} }],
  ];
  for (const [what, answer] of mistakes)
    it(`fails when it answers ${what}`, async () =>
      assert.equal((await found((() => answer) as never)).reason, 'failed'));

  it('fails with what it throws', async () => {
    const thrown = async (error: unknown) => {
      const { reason, message } = await found(() => {
        throw error;
      });
      return `${reason}: ${message}`;
    };
    assert.equal(await thrown(new RangeError('x')), 'failed: the function threw RangeError: x');
    assert.equal(await thrown(new CheckFailure('closed', 'y')), 'closed: y');
    assert.equal(await thrown('z'), 'failed: the function threw z');
    assert.equal(await thrown({ __proto__: null }), 'failed: the function threw something that cannot be read');
  });

  it('connects to the server, and leaves no socket open', () =>
    leavesNothingOpen(async () => {
      await using server = await serve((socket) => socket.write('220 ready\r\n'));
      const finding = await found(async ({ connect, server: { address }, signal }) => {
        const [greeting] = await once(await connect(), 'data', { signal });
        await connect();
        return { message: `${address}: ${greeting}`.trim() };
      }, server.port);
      assert.equal(finding.message, '127.0.0.1: 220 ready');
      const refused = await found(async ({ connect }) => void (await connect({ port: await freePort() })), server.port);
      assert.equal(refused.reason, 'refused');
    }));

  it('ends in time when the function does not, and closes what it connects to later', () =>
    leavesNothingOpen(async () => {
      await using server = await serve(() => {});
      const controller = new AbortController();
      const later = { connected: Promise.resolve<unknown>(undefined) };
      const finding = await found(
        async ({ connect }) => {
          controller.abort();
          later.connected = connect().catch((error) => error);
          await new Promise(() => {});
        },
        server.port,
        controller.signal,
      );
      assert.deepEqual(finding, { passed: false, reason: 'timeout', message: 'the function has not ended' });
      assert.equal(((await later.connected) as Error).name, 'AbortError');
    }));

  it('closes what it has opened by the way as well', () =>
    leavesNothingOpen(async () => {
      await using server = await serve(() => {});
      const opened = async ({ way, signal }: Parameters<CheckFunction>[0]) => {
        await way.datagrams(signal);
        await way.connect(signal);
        return `${way.name} ${way.address} ${way.port}`;
      };
      const finding = await found(async (call) => ({ message: await opened(call) }), server.port);
      assert.deepEqual(finding, { passed: true, message: `address 127.0.0.1 ${server.port}` });
    }));

  it('is the same as no other', () => assert.equal(functionCheck(() => {}).identity, undefined));

  it('has to be a function', () =>
    assert.throws(() => functionCheck('x' as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'check' }));
});
