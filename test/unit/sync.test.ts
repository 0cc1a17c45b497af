import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { checkedSyncOptions } from '../../lib/director/sync.js';
import { Director, type SyncOptions, type SyncOutcome, type SyncRefusal } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { listDaemons } from '../../lib/rules/listing/daemons.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { printRule } from '../../lib/rules/print.js';
import { applyRules } from '../../lib/rules/apply.js';

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
