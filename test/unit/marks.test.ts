import { strict as assert } from 'node:assert';
import { run } from '../../lib/cli/verbs/run.js';
import { Director } from '../../lib/director/director.js';
import { type MarkRule, routedPrefixes } from '../../lib/values/marks.js';
import { cli } from '../support/cli.js';
import { fakeConfiguration } from '../support/fake-configuration.js';

const WEB_MARK: MarkRule = { mark: 1, protocol: 'tcp', destination: '192.0.2.0/28', port: 80 };

describe('the rules of marks', () => {
  it('reach the native part in their order, one for each family they are of', () => {
    const { configuration, applied } = fakeConfiguration();
    configuration.setMarks([
      WEB_MARK,
      { mark: 2, source: '2001:DB8::/64', port: 8000, lastPort: 8099 },
      { mark: 3, protocol: 'udp' },
    ]);
    assert.deepEqual(applied, [
      [
        {
          op: 'setMarks',
          rules: [
            { mark: 1, family: 4, protocol: 6, destination: '192.0.2.0/28', firstPort: 80, lastPort: 80 },
            { mark: 2, family: 6, source: '2001:db8::/64', firstPort: 8000, lastPort: 8099 },
            { mark: 3, family: 4, protocol: 17 },
            { mark: 3, family: 6, protocol: 17 },
          ],
        },
      ],
    ]);
    assert.deepEqual(configuration.marks[1], { mark: 2, source: '2001:db8::/64', port: 8000, lastPort: 8099 });
  });

  it('are what they were when the native part refuses', () => {
    const fake = fakeConfiguration();
    fake.configuration.setMarks([WEB_MARK]);
    fake.refuseApply = new Error('no');
    assert.throws(() => fake.configuration.setMarks([]));
    assert.deepEqual(fake.configuration.marks, [WEB_MARK]);
  });

  it('are changed by nothing but setMarks', () => {
    const { configuration } = fakeConfiguration();
    const mine = [{ ...WEB_MARK }];
    configuration.setMarks(mine);
    Object.assign(mine[0] as MarkRule, { mark: 9 });
    Object.assign(configuration.marks[0] as MarkRule, { mark: 9 });
    assert.deepEqual(configuration.marks, [WEB_MARK]);
  });

  const mistakes: [what: string, rules: unknown, message: RegExp][] = [
    ['no list', WEB_MARK, /setMarks: rules: expected an array/],
    ['mark 0', [{ mark: 0 }], /setMarks: mark: expected an integer from 1 to 4294967295, got 0/],
    ['no mark', [{ destination: '192.0.2.1' }], /setMarks: mark/],
    ['a name', [{ mark: 1, destination: 'web' }], /destination: expected an address or a range of them, .* got 'web'/],
    [
      'bits beyond a prefix',
      [{ mark: 1, source: '10.0.0.1/8' }],
      /got .*: it has bits beyond its prefix: write 10\.0\.0\.0\/8/,
    ],
    ['two families', [{ mark: 1, source: '10.0.0.1', destination: '::1' }], /the source's family, IPv4, got '::1'/],
    ['a range without its beginning', [{ mark: 1, lastPort: 80 }], /a range that begins with port, got 80: add port$/],
    ['a range that goes back', [{ mark: 1, port: 80, lastPort: 79 }], /lastPort: expected an integer from 80/],
    ['a protocol that is not balanced', [{ mark: 1, protocol: 'icmp' }], /protocol: expected one of/],
    ['an unknown part', [{ mark: 1, dport: 80 }], /there is no option "dport"/],
  ];
  for (const [what, rules, message] of mistakes) {
    it(`are refused with ${what}`, () => {
      const { configuration, applied } = fakeConfiguration();
      assert.throws(() => configuration.setMarks(rules as MarkRule[]), { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
      assert.deepEqual(applied, []);
    });
  }
});

describe('rules for marks of a director with a range of sources', () => {
  const director = () => Director.offline({ source: '10.2.0.0/28' });

  it('are refused if they mark nothing but its own addresses', () => {
    for (const destination of ['10.2.0.4', '10.2.0.8/29', '10.2.0.0/28']) {
      assert.throws(() => director().setMarks([{ mark: 1, destination }]), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        option: 'destination',
        message: /outside of the source 10\.2\.0\.0\/28/,
      });
    }
    const wider = director();
    wider.setMarks([{ mark: 1, destination: '10.2.0.0/16' }, { mark: 2 }]);
    assert.equal(wider.marks.length, 2);
  });

  it('are refused in rules as they are written', async () => {
    const args = ['run', '--dry-run', '--rules', '-', '--source', '10.2.0.0/28'];
    const { exitCode, stderr } = await cli(args, [run], '-A -f 1\nmark 1 dst 10.2.0.4\n');
    assert.notEqual(exitCode, 0);
    assert.match(stderr, /^tunvs run: -:2: dst: write an address outside of the source 10\.2\.0\.0\/28, /);
  });
});

describe('the routes of marks', () => {
  it('are there while a mark has both a rule and a service', () => {
    const { configuration, routes } = fakeConfiguration();
    configuration.setMarks([
      WEB_MARK,
      { mark: 1, destination: '2001:db8::/64' },
      { mark: 2, destination: '203.0.113.1' },
    ]);
    assert.deepEqual([...routes], []);
    const web = configuration.addVirtualService({ mark: 1 });
    assert.deepEqual([...routes], ['192.0.2.0/28']);
    configuration.addVirtualService({ mark: 1, family: 6 });
    assert.deepEqual([...routes], ['192.0.2.0/28', '2001:db8::/64']);
    web.delete();
    assert.deepEqual([...routes], ['2001:db8::/64']);
    configuration.setMarks([]);
    assert.deepEqual([...routes], []);
  });

  it('change with the rules, all or none', () => {
    const fake = fakeConfiguration();
    fake.configuration.addVirtualService({ mark: 1 });
    fake.configuration.setMarks([WEB_MARK]);
    fake.refusedVips.add('203.0.113.0/24');
    const other = { mark: 1, destination: '198.51.100.0/24' };
    assert.throws(() => fake.configuration.setMarks([other, { mark: 1, destination: '203.0.113.0/24' }]));
    assert.deepEqual([...fake.routes], ['192.0.2.0/28']);
    fake.configuration.setMarks([other]);
    assert.deepEqual([...fake.routes], ['198.51.100.0/24']);
  });

  it('leave out what would take half the world away from the host', () => {
    const service = { protocol: 'ip', address: '0.0.0.0', port: 0, mark: 1 } as const;
    const destinations = ['0.0.0.0/0', '128.0.0.0/1', '10.0.0.0/8'];
    const marks = destinations.map((destination) => ({ mark: 1, destination }));
    assert.deepEqual([...routedPrefixes([service], marks)], ['10.0.0.0/8']);
  });
});
