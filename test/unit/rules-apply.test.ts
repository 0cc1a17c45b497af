import { strict as assert } from 'node:assert';
import { applyRules, type RulesTarget } from '../../lib/rules/apply.js';
import { RulesError } from '../../lib/rules/errors.js';
import { parseRules } from '../../lib/rules/parse-rules.js';
import { type FakeConfiguration, fakeConfiguration } from '../support/fake-configuration.js';

const support = { schedulers: ['rr', 'wrr', 'lc', 'wlc'], sysctlNames: ['sloppy_tcp', 'conn_reuse_mode'] };

/** A director of recorders, with timeouts and sysctls. */
function fakeTarget(): { target: RulesTarget; fake: FakeConfiguration; apply(text: string): void } {
  const fake = fakeConfiguration();
  let timeouts = { tcp: 900, tcpFin: 120, udp: 300 };
  const sysctls: Record<string, number> = { sloppy_tcp: 0, conn_reuse_mode: 1 };
  const target: RulesTarget = {
    transaction: (body) => fake.configuration.transaction(body),
    get timeouts() {
      return timeouts;
    },
    setTimeouts: ({ tcp, tcpFin, udp }) => {
      timeouts = { tcp: tcp || timeouts.tcp, tcpFin: tcpFin || timeouts.tcpFin, udp: udp || timeouts.udp };
    },
    sysctls,
    setSysctl: (name, value) => {
      sysctls[name] = value;
    },
  };
  const apply = (text: string) => applyRules(target, parseRules(text, { file: 'web.rules', support, isTimed: true }));
  return { target, fake, apply };
}

const WEB = '-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 3 -x 10 -y 5\n';

/** Every row: a rule that the kernel would refuse once WEB is there, ipvsadm's words for it, and ours. */
const REFUSALS: [string, string, RegExp][] = [
  ['-A -t 192.0.2.1:80', 'Service already exists', /exists already; change it with -E/],
  ['-E -t 192.0.2.1:81', 'No such service', /there is no service -t 192\.0\.2\.1:81; add it first/],
  ['-D -u 192.0.2.1:80', 'No such service', /there is no service -u/],
  ['-D -t 192.0.2.1', 'No such service', /there is no service -t 192\.0\.2\.1:0/],
  ['-Z -t 192.0.2.1:81', 'No such service', /there is no service/],
  ['-a -t 192.0.2.1:81 -r 10.0.0.11 -i', 'Service not defined', /for this server; add it first, with -A/],
  ['-e -t 192.0.2.1:81 -r 10.0.0.11 -i', 'Service not defined', /for this server/],
  ['-d -t 192.0.2.1:81 -r 10.0.0.11', 'Service not defined', /for this server/],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i', 'Destination already exists', /has the server 10\.0\.0\.11:80 already/],
  ['-e -t 192.0.2.1:80 -r 10.0.0.12 -i', 'No such destination', /has no server 10\.0\.0\.12:80; add it first, with -a/],
  ['-d -t 192.0.2.1:80 -r 10.0.0.12', 'No such destination', /has no server/],
  ['-d -t 192.0.2.1:80 -r 10.0.0.11:0', 'No such destination', /has no server 10\.0\.0\.11:0/],
  ['-a -t 192.0.2.1:80 -r 10.0.0.12 -i -x 5 -y 6', 'Numerical result out of range', /-y 6 is above -x 5/],
  [
    '-a -t 192.0.2.1:80 -r 224.0.0.1 -i',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /write a unicast address/,
  ],
  [
    '-a -t 192.0.2.1:80 -r [fe80::11] -i',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /-r fe80::11 is link-local; write an address that needs no interface/,
  ],
  [
    '-a -t 192.0.2.1:80 -r [::ffff:10.0.0.12] -i',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /write a unicast address/,
  ],
  [
    '-A -t 224.0.0.1:80',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /expected a unicast address/,
  ],
];

const PLAIN_TUNNEL = { forwarding: 'ipip', tunnelPort: 0, tunnelChecksum: 'none' };

describe('rules put into force', () => {
  it('are one transaction', () => {
    const { fake, apply } = fakeTarget();
    apply(
      `${WEB}-A -u 192.0.2.1:53\n-E -t 192.0.2.1:80 -s lc\n-e -t 192.0.2.1:80 -r 10.0.0.11 -i\n-Z -t 192.0.2.1:80\n-Z`,
    );
    const web = { protocol: 6, address: '192.0.2.1', port: 80 };
    const dns = { protocol: 17, address: '192.0.2.1', port: 53 };
    const server = { address: '10.0.0.11', port: 80 };
    const settings = { ...PLAIN_TUNNEL, weight: 3, upperThreshold: 10, lowerThreshold: 5 };
    const defaults = { ...PLAIN_TUNNEL, weight: 1, upperThreshold: 0, lowerThreshold: 0 };
    assert.deepEqual(fake.applied, [
      [
        { op: 'addService', service: web, config: { scheduler: 'rr', schedulerFlags: [] } },
        { op: 'addServer', service: web, server, config: settings },
        { op: 'addService', service: dns, config: { scheduler: 'wlc', schedulerFlags: [] } },
        { op: 'editService', service: web, config: { scheduler: 'lc', schedulerFlags: [] } },
        { op: 'editServer', service: web, server, config: defaults },
        { op: 'zero', service: web },
        { op: 'zero' },
      ],
    ]);
  });

  it('delete and clear', () => {
    const { fake, apply } = fakeTarget();
    apply(`${WEB}-d -t 192.0.2.1:80 -r 10.0.0.11\n-D -t 192.0.2.1:80\n-A -t 192.0.2.1:80\n-C`);
    assert.deepEqual(fake.configuration.virtualServices, []);
    assert.deepEqual(
      fake.applied[0]?.map(({ op }) => op),
      ['addService', 'addServer', 'deleteServer', 'deleteService', 'addService', 'clear'],
    );
  });

  it('set timeouts and sysctls, 0 leaving a timeout as it is', () => {
    const { target, apply } = fakeTarget();
    apply('--set 60 0 30\nsysctl net.ipv4.vs.sloppy_tcp=1');
    assert.deepEqual(target.timeouts, { tcp: 60, tcpFin: 120, udp: 30 });
    assert.equal(target.sysctls.sloppy_tcp, 1);
  });

  for (const [rule, text, message] of REFUSALS) {
    it(`refuse "${rule}" as the kernel does, with the line, and leave nothing behind`, () => {
      const { target, fake, apply } = fakeTarget();
      apply(WEB);
      const before = [fake.applied.length, fake.configuration.virtualServices.length];
      assert.throws(
        () => apply(`-A -u 192.0.2.9:53\n--set 1 1 1\nsysctl net.ipv4.vs.conn_reuse_mode=0\n${rule}\n-C`),
        (error: unknown) => {
          assert.ok(error instanceof RulesError, String(error));
          assert.match(error.message, /^web\.rules:4: /);
          assert.match(error.message, message);
          assert.deepEqual(error.ipvsadm, { text, exitStatus: 255 });
          return true;
        },
      );
      assert.deepEqual([fake.applied.length, fake.configuration.virtualServices.length], before);
      assert.deepEqual(target.timeouts, { tcp: 900, tcpFin: 120, udp: 300 });
      assert.equal(target.sysctls.conn_reuse_mode, 1);
    });
  }

  it('take timeouts and sysctls back when the engine refuses the transaction', () => {
    const { target, fake, apply } = fakeTarget();
    fake.refuseApply = Object.assign(new Error('the table is full'), { code: 'ERR_TUNVS_LIMIT' });
    assert.throws(() => apply(`${WEB}--set 1 1 1\nsysctl net.ipv4.vs.sloppy_tcp=1`), {
      code: 'ERR_TUNVS_LIMIT',
      message: 'the table is full',
    });
    assert.deepEqual(target.timeouts, { tcp: 900, tcpFin: 120, udp: 300 });
    assert.equal(target.sysctls.sloppy_tcp, 0);
  });

  it('hold no listings outside a replay', () => {
    const { apply } = fakeTarget();
    assert.throws(
      () => apply('-C\n-L -n'),
      /^TunvsError: web\.rules:2: a listing is printed in a replay only; leave the rule out$/,
    );
  });
});
