/** A director that runs until it is told to end, and what is attached to it. */
import { strict as assert } from 'node:assert';
import { type Attachment, runDaemon, type Running } from '../../lib/daemon/daemon.js';
import { Director } from '../../lib/director/director.js';
import { native } from '../../lib/native/addon.js';
import { parseRules, type RuleLine } from '../../lib/rules/parse-rules.js';
import { TunvsError } from '../../lib/values/errors.js';

const rulesOf = (text: string) => parseRules(text, { file: 'web.rules', support: native, isTimed: false });
/** Puts rules into force. */
const applying =
  (rules: RuleLine[]) =>
  ({ session }: Running) =>
    session.apply(rules);

const RULES = rulesOf('-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n');

describe('a daemon', () => {
  let director: Director;
  let deeds: string[];
  const stop = () => new AbortController();
  const open = async () => {
    director = Director.offline({ source: '10.2.0.2' });
    director.once('close', () => deeds.push('close'));
    return director;
  };
  const noting =
    (name: string, ready?: () => Promise<void> | void): Attachment =>
    ({ director }) => {
      deeds.push(`attach ${name}`);
      return {
        ready: () => {
          deeds.push(`ready ${name} ${director.virtualServices.length}`);
          return ready?.();
        },
        detach: () => deeds.push(`detach ${name}`),
        end: () => {
          deeds.push(`end ${name}`);
        },
      };
    };

  beforeEach(() => {
    deeds = [];
  });

  it('attaches, begins, waits for its end, and detaches in the other order around the close', async () => {
    const ending = stop();
    const attachments = [noting('a'), noting('b', () => ending.abort())];
    await runDaemon({ open, begin: applying(RULES), attachments }, ending.signal);
    assert.deepEqual(deeds, [
      'attach a',
      'attach b',
      'ready a 1',
      'ready b 1',
      'detach b',
      'detach a',
      'close',
      'end b',
      'end a',
    ]);
  });

  it('hands attachments one session of rules, which changes and lists what the director has', async () => {
    const ending = stop();
    let listed = '';
    const listing: Attachment = ({ session }) => ({
      ready: async () => {
        for await (const text of session.execute(rulesOf('-a -t 192.0.2.1:80 -r 10.0.0.12 -i\n-S -n\n')))
          listed += text;
        ending.abort();
      },
    });
    await runDaemon({ open, begin: applying(RULES), attachments: [listing] }, ending.signal);
    assert.deepEqual(listed.match(/-r \S+/g)?.sort(), ['-r 10.0.0.11:80', '-r 10.0.0.12:80']);
  });

  it('closes the director where its rules, an attachment or what an attachment promised fails', async () => {
    const bad = rulesOf('-a -t 192.0.2.1:80 -r 10.0.0.11 -i\n');
    await assert.rejects(
      runDaemon({ open, begin: applying(bad), attachments: [noting('a')] }, stop().signal),
      /web\.rules:1: /,
    );
    assert.deepEqual(deeds, ['attach a', 'detach a', 'close', 'end a']);
    const failing = () => {
      throw new Error('no room');
    };
    deeds = [];
    await assert.rejects(
      runDaemon({ open, begin: applying(RULES), attachments: [noting('a'), failing] }, stop().signal),
      /no room/,
    );
    assert.deepEqual(deeds, ['attach a', 'detach a', 'close', 'end a']);
    deeds = [];
    const late = noting('a', async () => failing());
    await assert.rejects(runDaemon({ open, begin: applying(RULES), attachments: [late] }, stop().signal), /no room/);
    assert.deepEqual(deeds.slice(-3), ['detach a', 'close', 'end a']);
  });

  it('tells nobody that it is ready before all attachments listen, nor where one cannot', async () => {
    const ending = stop();
    const slow: Attachment = () => ({
      listen: async () => {
        await new Promise((resolve) => setTimeout(resolve, 5));
        deeds.push('listen');
      },
    });
    const attachments = [noting('a', () => ending.abort()), slow];
    await runDaemon({ open, begin: applying(RULES), attachments }, ending.signal);
    assert.deepEqual(deeds, ['attach a', 'listen', 'ready a 1', 'detach a', 'close', 'end a']);
    deeds = [];
    const shut: Attachment = () => ({ listen: () => Promise.reject(new Error('in use')) });
    await assert.rejects(
      runDaemon({ open, begin: applying(RULES), attachments: [noting('a'), shut] }, stop().signal),
      /in use/,
    );
    assert.deepEqual(deeds, ['attach a', 'detach a', 'close', 'end a']);
  });

  it('closes the director also where an attachment cannot be detached', async () => {
    const ending = stop();
    const stuck: Attachment = () => ({
      ready: () => ending.abort(),
      detach: () => {
        throw new Error('stuck');
      },
    });
    await assert.rejects(
      runDaemon({ open, begin: applying(RULES), attachments: [noting('a'), stuck] }, ending.signal),
      /stuck/,
    );
    assert.deepEqual(deeds.slice(-2), ['close', 'end a']);
  });

  it('fails with the error of a director that has lost its device', async () => {
    const lost = new TunvsError('ERR_TUNVS_NO_DEVICE', 'gone');
    const attachments = [noting('a', () => void director.emit('error', lost))];
    await assert.rejects(runDaemon({ open, begin: applying(RULES), attachments }, stop().signal), lost);
    assert.deepEqual(deeds.slice(-3), ['detach a', 'close', 'end a']);
  });

  it('fails with both errors where the host cannot be undone after a failure, else with the one', async () => {
    const lost = new TunvsError('ERR_TUNVS_NO_DEVICE', 'gone');
    const undone = new TunvsError('ERR_TUNVS_HOST', 'not undone');
    const stuck = async () => {
      const director = await open();
      const close = director.close.bind(director);
      director.close = () => close().then(() => Promise.reject(undone));
      return director;
    };
    const losing = [noting('a', () => void director.emit('error', lost))];
    await assert.rejects(
      runDaemon({ open: stuck, begin: applying(RULES), attachments: losing }, stop().signal),
      (error) => {
        assert.ok(error instanceof AggregateError);
        assert.deepEqual(error.errors, [lost, undone]);
        return true;
      },
    );
    assert.deepEqual(deeds.slice(-3), ['detach a', 'close', 'end a']);
    const ending = stop();
    const well = [noting('a', () => ending.abort())];
    await assert.rejects(runDaemon({ open: stuck, begin: applying(RULES), attachments: well }, ending.signal), undone);
  });

  it('is over without a word when it is told to end before it is open, and says why it cannot open', async () => {
    const ending = stop();
    const aborted = async (signal: AbortSignal) => {
      ending.abort();
      signal.throwIfAborted();
      return open();
    };
    await runDaemon({ open: aborted, begin: applying(RULES), attachments: [noting('a')] }, ending.signal);
    assert.deepEqual(deeds, []);
    const refusing = async () => {
      throw new Error('not allowed');
    };
    await assert.rejects(
      runDaemon({ open: refusing, begin: applying(RULES), attachments: [] }, stop().signal),
      /not allowed/,
    );
  });
});
