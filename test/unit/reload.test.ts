import { strict as assert } from 'node:assert';
import { reloadedText } from '../../lib/cli/run/reload.js';
import { Director } from '../../lib/director/director.js';
import { native } from '../../lib/native/addon.js';
import { listMarks } from '../../lib/rules/mark.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import type { RuleChange } from '../../lib/rules/changes.js';
import { reloadRules } from '../../lib/rules/reload.js';

const SOURCE = '10.2.0.2';

const RULES = `mark 1 dst 192.0.2.0/28
-A -f 1 -s rr -p 600
-a -f 1 -r 10.0.0.11 -i
-A -t 192.0.2.0/28:8000-8099 -s rr
-a -t 192.0.2.0/28:8000-8099 -r 10.0.0.11 -i
-A -u 192.0.2.1:53 -s rr -o
`;

describe('rules that are read again', () => {
  let director: Director;

  beforeEach(async () => {
    director = Director.offline({ source: SOURCE, maxConnections: 1024 });
    await reload(RULES);
  });

  afterEach(async () => {
    await director.close();
  });

  async function reload(rules: string): Promise<RuleChange[]> {
    const lines = parseRules(rules, { file: 'web.rules', support: native, isTimed: false });
    return reloadRules(director, lines);
  }

  it('change nothing where nothing differs', async () => {
    const services = director.virtualServices;
    assert.deepEqual(await reload(RULES), []);
    assert.deepEqual(director.virtualServices, services);
  });

  it('change marks, persistence and one-packet scheduling', async () => {
    const services = director.virtualServices;
    const changes = await reload(
      RULES.replace('192.0.2.0/28\n', '192.0.2.0/28 dport 80\nmark 2\n').replace('-p 600', '-p 60').replace(' -o', ''),
    );
    assert.deepEqual(changes, [
      {
        change: 'deleted',
        rule: 'mark delete 1 dst 192.0.2.0/28',
        before: 'mark 1 dst 192.0.2.0/28',
      },
      { change: 'added', rule: 'mark 1 dst 192.0.2.0/28 dport 80' },
      { change: 'added', rule: 'mark 2' },
      { change: 'edited', rule: '-E -f 1 -s rr -p 60', before: '-A -f 1 -s rr -p 600' },
      { change: 'edited', rule: '-E -u 192.0.2.1:53 -s rr', before: '-A -u 192.0.2.1:53 -s rr -o' },
    ]);
    assert.deepEqual(director.virtualServices, services);
    assert.equal(listMarks(director.marks), 'mark 1 dst 192.0.2.0/28 dport 80\nmark 2\n');
    const [marked, , dns] = services;
    assert.deepEqual(marked?.persistence, { timeoutSeconds: 60 });
    assert.equal(dns?.onePacket, false);
  });

  it('are told with what they replace, whatever has changed', async () => {
    const changes = await reload(
      `mark 1 dst 192.0.2.0/28
-A -f 1 -s rr -p 600
-a -f 1 -r 10.0.0.11 -i -w 3 -x 9
-a -f 1 -r 10.0.0.12 -g
-A -t 192.0.2.0/28:8000-8099 -s rr
-A -t 192.0.2.1:443
--set 60 0 30
sysctl net.ipv4.vs.sloppy_tcp=1
`,
    );
    assert.deepEqual(
      changes.map(({ change, rule, before = '' }) => [change, rule, before]),
      [
        ['deleted', '-D -u 192.0.2.1:53', '-A -u 192.0.2.1:53 -s rr -o'],
        [
          'edited',
          '-e -f 1 -r 10.0.0.11:0 -i -w 3 --tun-type ipip -x 9',
          '-a -f 1 -r 10.0.0.11:0 -i -w 1 --tun-type ipip',
        ],
        ['added', '-a -f 1 -r 10.0.0.12:0 -g -w 1', ''],
        [
          'deleted',
          '-d -t 192.0.2.0/28:8000-8099 -r 10.0.0.11:0',
          '-a -t 192.0.2.0/28:8000-8099 -r 10.0.0.11:0 -i -w 1 --tun-type ipip',
        ],
        ['added', '-A -t 192.0.2.1:443 -s wlc', ''],
        ['edited', '--set 60 120 30', '--set 900 120 300'],
        ['edited', 'sysctl net.ipv4.vs.sloppy_tcp=1', 'sysctl net.ipv4.vs.sloppy_tcp=0'],
      ],
    );
  });

  it('tell another order of marks, and not one alone that is missing', async () => {
    const marks = (...each: string[]) => `${each.join('\n')}\n${RULES.split('\n').slice(1).join('\n')}`;
    await reload(marks('mark 1 dst 192.0.2.0/28', 'mark 2'));
    assert.deepEqual(await reload(marks('mark 2', 'mark 1 dst 192.0.2.0/28')), [
      { change: 'edited', rule: 'mark 2; mark 1 dst 192.0.2.0/28', before: 'mark 1 dst 192.0.2.0/28; mark 2' },
    ]);
  });

  it('are listed, of very many the first hundred', () => {
    const changes: RuleChange[] = Array.from({ length: 102 }, (_, index) => ({
      change: 'added',
      rule: `mark ${index}`,
    }));
    changes[1] = { change: 'edited', rule: 'sysctl b', before: 'sysctl a' };
    const lines = reloadedText('rules', changes, 2).split('\n');
    assert.deepEqual(lines.slice(0, 3), [
      'tunvs run: rules read again: 102 changes, 2 things of the host put back',
      '  mark 0',
      '  sysctl b  # before: sysctl a',
    ]);
    assert.deepEqual(lines.slice(-3), ['  mark 99', '  and 2 more', '']);
    assert.equal(reloadedText('rules', changes.slice(0, 1), 0), 'tunvs run: rules read again: 1 change\n  mark 0\n');
    assert.equal(reloadedText('rules', [], 0), 'tunvs run: rules read again: 0 changes\n');
  });

  it('leave marks as they were when they hold a mistake', async () => {
    await assert.rejects(reload(`${RULES}mark 3\n-A -f 1\n`), /web\.rules:8: the service -f 1 exists already/);
    assert.equal(listMarks(director.marks), 'mark 1 dst 192.0.2.0/28\n');
    assert.equal(director.virtualServices.length, 3);
  });
});
