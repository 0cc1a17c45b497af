import { strict as assert } from 'node:assert';
import { parseRules } from '../../lib/rules/parse-rules.js';

const support = { schedulers: ['rr', 'wrr', 'lc', 'wlc'], sysctlNames: ['sloppy_tcp', 'conn_reuse_mode'] };
const parse = (text: string, isTimed = true) => parseRules(text, { file: 'web.rules', support, isTimed });

/** Every row: an option that rules files refuse by name, and the rule that has it. */
const UNSUPPORTED: [string, string][] = [
  ['--start-daemon', '--start-daemon master'],
  ['--stop-daemon', '--stop-daemon backup'],
];

const MISTAKES: [string, RegExp][] = [
  ['garbage', /"garbage" is not a command/],
  ['ipvsadm', /the rule is empty/],
  ['@5', /the rule is empty/],
  ['@soon -C', /"@soon" is not a time: write @SECONDS/],
  ['@-1 -C', /"@-1" is not a time/],
  ['-R', /-R has no meaning in a rules file/],
  ['-h', /-h has no meaning in a rules file/],
  ['-A -t 192.0.2.1:80 -s mh', /-s mh: there is no such scheduler: use one of rr, wrr, lc, wlc/],
  ['sysctl net.ipv4.vs.sloppy_tcp', /is not a sysctl of IPVS: write sysctl net\.ipv4\.vs\.NAME=NUMBER/],
  ['sysctl net.ipv4.ip_forward=1', /is not a sysctl of IPVS/],
  ['sysctl net.ipv4.vs.sloppy_tcp=yes', /is not a sysctl of IPVS/],
  ['sysctl net.ipv4.vs.sloppy_tcp=1 more', /is not a sysctl of IPVS/],
  [
    'sysctl net.ipv4.vs.sync_ports=1',
    /net\.ipv4\.vs\.sync_ports is not supported: use one of sloppy_tcp, conn_reuse_mode/,
  ],
  ['-A -u 192.0.2.1:5060 -p --pe nosuch', /--pe nosuch: there is no such persistence engine: use sip/],
  ['sysctl net.ipv4.vs.sync_threshold=3 x', /is not a sysctl of IPVS/],
  ['sysctl -w net.ipv4.vs.est_cpulist=0-3', /est_cpulist is not a number .* leave it out/],
  ['-A -t "192.0.2.1:80', /never closed/],
  ['mark 0', /"0" is not a mark from 1 to 4294967295/],
];

describe('a rules file', () => {
  it('holds what ipvsadm saves, comments, times and sysctls', () => {
    const lines = parse(
      [
        '# web',
        '',
        '-A -t 192.0.2.1:80 -s rr',
        'ipvsadm -C',
        '@1.5 -Z # now',
        '@2 sysctl -w net.ipv4.vs.sloppy_tcp=1',
        '-L -n',
        'mark 1 dst 192.0.2.0/28',
        '@3.5 mark flush',
      ].join('\n'),
    );
    assert.deepEqual(
      lines.map(({ place, atMs, rule }) => [place.line, atMs, rule.command]),
      [
        [3, undefined, 'addService'],
        [4, undefined, 'clear'],
        [5, 1500, 'zero'],
        [6, 2000, 'sysctl'],
        [7, undefined, 'list'],
        [8, undefined, 'addMark'],
        [9, 3500, 'flushMarks'],
      ],
    );
    assert.deepEqual(lines[3]?.rule, { command: 'sysctl', name: 'sloppy_tcp', value: 1 });
    assert.equal(lines[2]?.text, '-Z # now');
  });

  it('may have line ends of any system', () => {
    assert.deepEqual(
      parse('-C\r\n-Z\n-C\r-Z').map(({ place }) => place.line),
      [1, 2, 3, 4],
    );
  });

  for (const [option, rule] of UNSUPPORTED) {
    it(`is refused by name for "${rule}"`, () => {
      assert.throws(() => parse(`-C\n${rule}`), {
        code: 'ERR_TUNVS_RULES',
        place: { file: 'web.rules', line: 2 },
        token: option,
        message: new RegExp(`^web\\.rules:2: ${option}: .*: leave the rule out$`),
      });
    });
  }

  for (const [rule, message] of MISTAKES) {
    it(`is refused with the line of "${rule}"`, () => {
      assert.throws(
        () => parse(`\n# comment\n${rule}`),
        (error: Error) => {
          assert.match(error.message, /^web\.rules:3: /);
          assert.match(error.message, message);
          return true;
        },
      );
    });
  }

  it('has times in a replay only', () => {
    assert.throws(() => parse('@5 -C', false), /"@5": only a replay knows times: leave it out/);
    assert.equal(parse('-C', false).length, 1);
  });
});
