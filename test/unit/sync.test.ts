import { strict as assert } from 'node:assert';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { checkedSyncOptions, syncState } from '../../lib/director/sync.js';
import {
  Director,
  syncByRole,
  type SyncOptions,
  type SyncOutcome,
  type SyncRefusal,
  type TunvsError,
} from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { listDaemons } from '../../lib/rules/listing/daemons.js';
import { parseCommand } from '../../lib/rules/parse-command.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { printRule } from '../../lib/rules/print.js';
import { applyRules } from '../../lib/rules/apply.js';
import { eventuallyHolds } from '../support/eventually.js';

const ROLE = { interface: 'eth1', syncid: 7, maxMessageBytes: 1472, group: '224.0.0.81', port: 8848, ttl: 1 };
const STATE = {
  ...ROLE,
  ports: 1,
  isSigned: false,
  messages: 0,
  bytes: 0,
  records: 0,
  notesLost: 0,
  recordsLost: 0,
  messagesFailed: 0,
};

describe('connection sync', () => {
  it("begins with ipvsadm's defaults", () => {
    assert.deepEqual(checkedSyncOptions({ role: 'master', interface: 'eth1' }), {
      role: 'master',
      options: { ...ROLE, syncid: 0, maxMessageBytes: 0, peers: [], keys: [] },
    });
    assert.equal(checkedSyncOptions({ role: 'backup', interface: 'x', group: 'FF02::1:0' }).options.group, 'ff02::1:0');
  });

  it('refuses what it cannot begin with, by the name of the option', () => {
    const good: SyncOptions = { role: 'master', interface: 'eth1' };
    for (const [bad, option] of [
      [{ ...good, role: 'leader' }, 'role'],
      [{ role: 'master' }, 'interface'],
      [{ ...good, interface: 'a name that is far too long' }, 'interface'],
      [{ ...good, syncid: 256 }, 'syncid'],
      [{ ...good, maxMessageBytes: 65508 }, 'maxMessageBytes'],
      [{ ...good, group: '10.0.0.1' }, 'group'],
      [{ ...good, group: '2001:db8::1' }, 'group'],
      [{ ...good, port: 0 }, 'port'],
      [{ ...good, ttl: 256 }, 'ttl'],
      [{ ...good, color: 'blue' }, 'color'],
    ] as const)
      assert.throws(() => checkedSyncOptions(bad as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT', option });
  });

  it('needs a device', async () => {
    await using director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    assert.deepEqual(director.sync, {});
    assert.throws(() => director.startSync({ role: 'master', interface: 'lo' }), { code: 'ERR_TUNVS_UNSUPPORTED' });
    assert.throws(() => director.stopSync('backup'), { code: 'ERR_TUNVS_UNSUPPORTED' });
    assert.throws(() => director.stopSync('leader' as never), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
  });

  it('is listed as ipvsadm lists it', () => {
    const line = 'sync daemon (mcast=eth1, syncid=7, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n';
    assert.equal(listDaemons({ master: STATE }), `master ${line}`);
    assert.equal(listDaemons({}), '');
  });

  it('is listed with its peers, for which ipvsadm has no words', () => {
    const { group: _, ttl: __, ...role } = { ...STATE, interface: '', isSigned: true };
    const told = { messages: 1, bytes: 1, transfers: 1, transferred: 1, resent: 0, refused: 0 };
    const heard = { messages: 1, sessions: 1, transfers: 1, refused: 0 };
    const peers = [
      { address: '10.2.0.3', port: 8848, state: 'caughtUp', lost: 0, lagMs: 12, ...told },
      { address: '2001:db8::3', port: 9000, state: 'transferring', lost: 2, lagMs: 0, ...told },
    ] as const;
    const header = (more: string) => `sync daemon (peers=2, signed, syncid=7${more}, port=8848)\n`;
    const lines =
      '  10.2.0.3:8848 caught up, lag 12 ms, 0 messages lost\n  [2001:db8::3]:9000 transferring, lag 0 ms, 2 messages lost\n';
    assert.equal(listDaemons({ master: { ...role, peers } }), `master ${header(', maxlen=1472')}${lines}`);
    const backup = {
      ...{ ...role, messagesLost: 0, pauses: 0, waiting: 0, refused: {}, outcomes: {} },
      peers: [
        { address: '10.2.0.3', state: 'away', isCaughtUp: true, lost: 0, heardMsAgo: 5000, ...heard },
        {
          address: '10.2.0.4',
          state: 'away',
          isCaughtUp: false,
          lost: 0,
          ...heard,
          refused: 3,
          lastRefusal: 'sealWrong',
        },
      ],
    } as never;
    assert.equal(
      listDaemons({ backup }),
      `backup ${header('')}  10.2.0.3 away (all that it had is here), heard 5000 ms ago, 0 messages lost\n` +
        '  10.2.0.4 away, never heard, 0 messages lost, 3 refused (lastly sealWrong)\n',
    );
  });

  describe('with peers', () => {
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-sync-'));
    const file = (name: string, text: string, mode = 0o600) => {
      writeFileSync(join(folder, name), text);
      chmodSync(join(folder, name), mode);
      return join(folder, name);
    };
    after(() => rmSync(folder, { recursive: true }));

    it('needs no interface, and reads who they are and which keys they have', () => {
      const keyFile = file('keys', '# two\n0123456789abcdef\n\n  another key of mine  \n');
      const peers = ['10.2.0.3', '10.2.0.4:9000', '2001:db8::1', '[2001:DB8::2]:9001'];
      const withOwn = [...peers, '127.0.0.1'];
      const { options } = checkedSyncOptions({ role: 'backup', peers: withOwn, keyFile, port: 8000 });
      assert.equal(options.interface, '');
      assert.deepEqual(options.keys, ['0123456789abcdef', 'another key of mine']);
      assert.deepEqual(options.peers, [
        { address: '10.2.0.3', port: 8000 },
        { address: '10.2.0.4', port: 9000 },
        { address: '2001:db8::1', port: 8000 },
        { address: '2001:db8::2', port: 9001 },
      ]);
    });

    it('refuses what cannot be, and does not say a key', () => {
      const good: SyncOptions = { role: 'master', peers: ['10.2.0.3'] };
      for (const [bad, option, sentence] of [
        [{ ...good, peers: [] }, 'peers', /1 to 16 addresses/],
        [{ ...good, peers: '10.2.0.3' }, 'peers', /1 to 16 addresses/],
        [{ ...good, peers: ['lb2'] }, 'peers', /"?lb2/],
        [{ ...good, peers: ['224.0.0.81'] }, 'peers', /224\.0\.0\.81/],
        [{ ...good, peers: ['0.0.0.0'] }, 'peers', /0\.0\.0\.0/],
        [{ ...good, peers: ['10.2.0.3:0'] }, 'peers', /10\.2\.0\.3:0/],
        [{ ...good, peers: ['10.2.0.3', '10.2.0.3:9'] }, 'peers', /each address once/],
        [{ ...good, group: '224.0.0.81' }, 'group', /no multicast group: leave it out/],
        [{ ...good, ttl: 1 }, 'ttl', /no multicast group/],
        [{ ...good, interface: '' }, 'interface', /an interface's name/],
        [
          { role: 'master', interface: 'eth1', keyFile: file('unused', 'a'.repeat(32)) },
          'keyFile',
          /only messages to peers/,
        ],
        [{ ...good, keyFile: join(folder, 'none') }, 'keyFile', /there is no file .*openssl rand/],
        [
          { ...good, keyFile: file('open', 'b'.repeat(32), 0o644) },
          'keyFile',
          /mode 644, so any user knows it: chmod 600/,
        ],
        [{ ...good, keyFile: folder }, 'keyFile', /is not a file/],
        [{ ...good, keyFile: file('short', 'secret-of-15-b') }, 'keyFile', /got one of 14 characters: make a key/],
        [{ ...good, keyFile: file('empty', '# nothing\n') }, 'keyFile', /got none: make a key/],
        [{ ...good, keyFile: file('many', 'c'.repeat(32).concat('\n').repeat(9)) }, 'keyFile', /got 9 lines/],
        [
          { ...good, keyFile: file('binary', 'ü'.repeat(32)) },
          'keyFile',
          /got one of 32 characters, some of them others/,
        ],
        [{ ...good, keyFile: file('long', 'd'.repeat(70_000)) }, 'keyFile', /has 70000 bytes, of at most 65536/],
        [{ ...good, peers: ['127.0.0.1'] }, 'peers', /an address of another host/],
      ] as const)
        assert.throws(
          () => checkedSyncOptions(bad as never),
          (error: TunvsError) => {
            assert.equal(error.code, 'ERR_TUNVS_INVALID_ARGUMENT');
            assert.equal(error.option, option);
            assert.match(error.message, sentence);
            assert.doesNotMatch(error.message, /secret-of|bbbb|cccc/);
            return true;
          },
        );
    });

    it('is caught up when nobody who is there lacks anything, or one has just gone and left all', () => {
      const told = (state: string) => ({ address: '10.2.0.3', state });
      const heard = (state: string, isCaughtUp: boolean, heardMsAgo?: number) => ({
        address: '10.2.0.3',
        state,
        isCaughtUp,
        heardMsAgo,
      });
      const isCaughtUp = (master?: object[], backup?: object[]) =>
        syncState({
          sync: () => ({ ...(master && { master: { peers: master } }), ...(backup && { backup: { peers: backup } }) }),
        } as never).isCaughtUp;
      assert.equal(isCaughtUp([told('caughtUp')]), true);
      assert.equal(
        isCaughtUp([told('caughtUp')], [heard('away', false)]),
        true,
        'the active one listens a little longer',
      );
      assert.equal(isCaughtUp([told('caughtUp'), told('transferring')], []), false);
      assert.equal(isCaughtUp([told('away')], [heard('away', false)]), false);
      assert.equal(isCaughtUp([told('away')], [heard('caughtUp', true, 1)]), false, 'nobody has what it has');
      assert.equal(isCaughtUp([told('caughtUp')], [heard('transferring', false, 1)]), false);
      assert.equal(isCaughtUp(undefined, [heard('away', true, 3000)]), true, 'its master has died');
      assert.equal(isCaughtUp(undefined, [heard('away', true, 61_000)]), false);
      assert.equal(isCaughtUp(undefined, [heard('transferring', false, 1)]), false);
      assert.deepEqual(syncState({ sync: () => ({}) } as never), {});
    });

    it('is begun by tunvsadm, whose words are read and printed', () => {
      const words = [
        '--start-daemon',
        'master',
        '--sync-peers',
        '10.2.0.3,10.2.0.4:9000',
        '--sync-key-file',
        '/k',
        '--syncid',
        '7',
      ];
      const command = parseCommand(words, () => {});
      assert.deepEqual(command, {
        ...{ command: 'startDaemon', role: 'master', syncId: 7 },
        ...{ peers: ['10.2.0.3', '10.2.0.4:9000'], keyFile: '/k' },
      });
      assert.equal(
        printRule(command as never),
        '--start-daemon master --syncid 7 --sync-peers 10.2.0.3,10.2.0.4:9000 --sync-key-file /k',
      );
    });

    it('follows the role, and is tried again where it cannot', async () => {
      const calls: string[] = [];
      const handlers = new Set<() => void>();
      const running: Record<string, object> = {};
      let isBroken = false;
      const director = {
        role: 'active',
        get sync() {
          return { ...running };
        },
        startSync({ role }: { role: string }) {
          if (isBroken) throw new Error('the port is taken');
          calls.push(`start ${role}`);
          running[role] = {};
        },
        stopSync(role: string) {
          calls.push(`stop ${role}`);
          delete running[role];
        },
        on: (_: string, handler: () => void) => handlers.add(handler),
        off: (_: string, handler: () => void) => handlers.delete(handler),
      };
      const become = (role: string) => {
        director.role = role;
        for (const handler of handlers) handler();
      };
      const failures: string[] = [];
      const sync = syncByRole(director as never, { peers: ['10.2.0.3'] }, ({ message }) => failures.push(message));
      become('standby');
      become('standby');
      assert.deepEqual(calls, ['start master', 'start backup', 'stop master']);
      isBroken = true;
      become('active');
      become('active');
      assert.deepEqual([failures, Object.keys(running)], [['the port is taken'], ['backup']]);
      isBroken = false;
      await eventuallyHolds(async () => assert.ok('master' in running));
      // The one that was active may still have something to tell.
      assert.ok('backup' in running);
      await eventuallyHolds(async () => assert.deepEqual(Object.keys(running), ['master']));
      sync[Symbol.dispose]();
      assert.deepEqual([Object.keys(running), handlers.size], [[], 0]);
      assert.throws(() => syncByRole(director as never, { peers: ['x'] }, () => {}), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
      });
      const both = syncByRole(director as never, { peers: ['10.2.0.3'], as: 'both' }, () => {});
      become('standby');
      assert.deepEqual(Object.keys(running), ['master', 'backup']);
      both[Symbol.dispose]();
    });
  });

  it('takes both numbers of sync_threshold from rules, and prints them', async () => {
    await using director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
    const text = 'sysctl net.ipv4.vs.sync_threshold="5 100"';
    const lines = parseRules(text, { file: 'x', support: native, isTimed: false });
    assert.equal(printRule(lines[0]?.rule as never), text);
    applyRules(director, lines);
    const { sync_threshold: threshold, sync_period: period } = director.sysctls;
    assert.deepEqual([threshold, period], [5, 100]);
  });

  it('names each refusal and each outcome in the page and in the types', () => {
    const page = readFileSync('docs/sync.md', 'utf8');
    const refusals = Object.entries(native.syncRefusals) as [SyncRefusal, string][];
    const outcomes = Object.entries(native.syncOutcomes) as [SyncOutcome, string][];
    for (const [name, sentence] of [...refusals, ...outcomes])
      assert.ok(page.includes(`| \`${name}\` | ${sentence} |`), name);
    const types = readFileSync('lib/director/sync.ts', 'utf8');
    for (const [name] of [...refusals, ...outcomes]) assert.ok(types.includes(`| '${name}'`), name);
  });
});
