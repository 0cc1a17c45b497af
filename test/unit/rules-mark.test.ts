import { strict as assert } from 'node:assert';
import { RulesError } from '../../lib/rules/errors.js';
import { listMarks, type MarkCommand, parseMark } from '../../lib/rules/mark.js';
import { fakeRulesTarget } from '../support/fake-rules-target.js';

const parse = (line: string) => parseMark(line.split(' ').slice(1));

const READ: [line: string, command: MarkCommand][] = [
  ['mark 1', { command: 'addMark', rule: { mark: 1 } }],
  ['mark 4294967295 dst 192.0.2.1', { command: 'addMark', rule: { mark: 4294967295, destination: '192.0.2.1' } }],
  [
    'mark 7 dport 8000-8099 dst 192.0.2.0/28 src 10.0.0.0/8 proto tcp',
    {
      command: 'addMark',
      rule: {
        mark: 7,
        protocol: 'tcp',
        source: '10.0.0.0/8',
        destination: '192.0.2.0/28',
        port: 8000,
        lastPort: 8099,
      },
    },
  ],
  ['mark 1 dport 80-80', { command: 'addMark', rule: { mark: 1, port: 80 } }],
  ['mark 1 dst 192.0.2.1/32', { command: 'addMark', rule: { mark: 1, destination: '192.0.2.1' } }],
  ['mark 1 dst 2001:DB8::/64', { command: 'addMark', rule: { mark: 1, destination: '2001:db8::/64' } }],
  ['mark 1 src 0.0.0.0/0', { command: 'addMark', rule: { mark: 1, source: '0.0.0.0/0' } }],
  ['mark delete 1 proto udp', { command: 'deleteMark', rule: { mark: 1, protocol: 'udp' } }],
  ['mark flush', { command: 'flushMarks' }],
  ['mark list', { command: 'listMarks' }],
];

const MISTAKES: [line: string, token: string, sentence: RegExp][] = [
  ['mark', 'mark', /the mark is missing: write mark N/],
  ['mark delete', 'mark', /the mark is missing/],
  ['mark 0', '0', /is not a mark from 1 to 4294967295/],
  ['mark 4294967296', '4294967296', /is not a mark/],
  ['mark 0x1', '0x1', /is not a mark/],
  ['mark flush 1', '1', /does not go with mark flush: leave it out/],
  ['mark 1 port 80', 'port', /cannot be part of a mark's rule/],
  ['mark 1 constructor 80', 'constructor', /cannot be part of a mark's rule/],
  ['mark 1 dport', 'dport', /lacks its value/],
  ['mark 1 dport 80 dport 81', 'dport', /is given twice/],
  ['mark 1 dport 81-80', '81-80', /is not a port: write one from 0 to 65535, or a range/],
  ['mark 1 dport 1-2-3', '1-2-3', /is not a port/],
  ['mark 1 dport 80-', '80-', /is not a port/],
  ['mark 1 dport 65536', '65536', /is not a port/],
  ['mark 1 proto icmp', 'icmp', /is not a protocol that tunvs balances: write one of tcp, udp, sctp/],
  ['mark 1 dst web.example.org', 'web.example.org', /is not an IP address/],
  ['mark 1 dst 192.0.2.1/28', '192.0.2.1/28', /write 192\.0\.2\.0\/28/],
  ['mark 1 src 10.0.0.0/8 dst 2001:db8::1', '2001:db8::1', /is of another address family than src 10\.0\.0\.0\/8/],
];

describe('a line about marks', () => {
  for (const [line, command] of READ) {
    it(`may be "${line}"`, () => assert.deepEqual(parse(line), command));
  }

  for (const [line, token, sentence] of MISTAKES) {
    it(`may not be "${line}"`, () => {
      assert.throws(
        () => parse(line),
        (error: unknown) => {
          assert.ok(error instanceof RulesError, String(error));
          assert.equal(error.token, token);
          assert.match(error.sentence, sentence);
          return true;
        },
      );
    });
  }
});

describe('marks put into force by rules', () => {
  it('keep the order in which they were added', () => {
    const { fake, apply } = fakeRulesTarget();
    apply('mark 1 dst 192.0.2.1\nmark 2 dst 192.0.2.0/28\nmark 3 dst 198.51.100.1');
    apply('mark delete 2 dst 192.0.2.0/28\nmark 4');
    assert.equal(listMarks(fake.configuration.marks), 'mark 1 dst 192.0.2.1\nmark 3 dst 198.51.100.1\nmark 4\n');
    apply('mark flush');
    assert.deepEqual(fake.configuration.marks, []);
  });

  it('are deleted however their rule is spelled', () => {
    const { fake, apply } = fakeRulesTarget();
    apply('mark 1 proto tcp dst 2001:DB8:0::1/128 dport 80-80\nmark delete 1 dport 80 dst 2001:db8::1 proto tcp');
    assert.deepEqual(fake.configuration.marks, []);
  });

  it('are refused twice, and when there is none to delete, and leave nothing behind', () => {
    const { fake, apply } = fakeRulesTarget();
    apply('mark 1 dst 192.0.2.1');
    assert.throws(
      () => apply('mark 2\nmark 1 dst 192.0.2.1'),
      /web\.rules:2: the rule "mark 1 dst 192\.0\.2\.1" is there/,
    );
    assert.throws(() => apply('mark 2\nmark delete 1'), /web\.rules:2: there is no rule "mark 1" to delete/);
    assert.equal(listMarks(fake.configuration.marks), 'mark 1 dst 192.0.2.1\n');
  });

  it('outlive -C, as the marks of a kernel do', () => {
    const { fake, apply } = fakeRulesTarget();
    apply('mark 1 dst 192.0.2.1\n-A -f 1\n-C');
    assert.equal(fake.configuration.marks.length, 1);
    assert.deepEqual(fake.configuration.virtualServices, []);
  });
});
