import { strict as assert } from 'node:assert';
import { RulesError } from '../../lib/rules/errors.js';
import { fakeRulesTarget } from '../support/fake-rules-target.js';

const UP = { isUp: true, isDraining: false };
const WEB = '-A -t 192.0.2.1:80 -s rr\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 3 -x 10 -y 5\n';

/** Every row: a rule that the kernel would refuse once WEB is there, ipvsadm's words for it, and ours. */
const REFUSALS: [string, string, RegExp][] = [
  ['-A -t 192.0.2.1:80', 'Service already exists', /exists already: change it with -E/],
  ['-E -t 192.0.2.1:81', 'No such service', /there is no service -t 192\.0\.2\.1:81: add it first/],
  ['-D -u 192.0.2.1:80', 'No such service', /there is no service -u/],
  ['-D -t 192.0.2.1', 'No such service', /there is no service -t 192\.0\.2\.1:0/],
  ['-Z -t 192.0.2.1:81', 'No such service', /there is no service/],
  ['-a -t 192.0.2.1:81 -r 10.0.0.11 -i', 'Service not defined', /for this server: add it first, with -A/],
  ['-e -t 192.0.2.1:81 -r 10.0.0.11 -i', 'Service not defined', /for this server/],
  ['-d -t 192.0.2.1:81 -r 10.0.0.11', 'Service not defined', /for this server/],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i', 'Destination already exists', /has the server 10\.0\.0\.11:80 already/],
  ['-e -t 192.0.2.1:80 -r 10.0.0.12 -i', 'No such destination', /has no server 10\.0\.0\.12:80: add it first, with -a/],
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
    /-r fe80::11 is link-local: write an address that needs no interface/,
  ],
  [
    '-a -t 192.0.2.1:80 -r [::ffff:10.0.0.12] -i',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /write a unicast address/,
  ],
  [
    '-A -t 224.0.0.1:80',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /-t 224\.0\.0\.1:80 is not unicast: .*: write another address$/,
  ],
  [
    '-A -t [fe80::1]:80',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /-t \[fe80::1\]:80 is link-local: no router forwards it, .*: write another address$/,
  ],
  [
    '-A -u 127.0.0.1:53',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /-u 127\.0\.0\.1:53 is a loopback address: .*: write another address$/,
  ],
  [
    '-A --sctp-service 128.0.0.0/1:53',
    'Invalid operation.  Possibly wrong module version, address not unicast, ...',
    /--sctp-service 128\.0\.0\.0\/1:53 has too short a prefix: write \/8 or longer$/,
  ],
];

const PLAIN_TUNNEL = { forwarding: 'ipip', tunnelPort: 0, tunnelChecksum: 'none', clientAddress: 'none' };

describe('rules put into force', () => {
  it('are one transaction', () => {
    const { fake, apply } = fakeRulesTarget();
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
        { op: 'addServer', service: web, server, config: settings, condition: UP },
        { op: 'addService', service: dns, config: { scheduler: 'wlc', schedulerFlags: [] } },
        { op: 'editService', service: web, config: { scheduler: 'lc', schedulerFlags: [] } },
        { op: 'editServer', service: web, server, config: defaults, condition: UP },
        { op: 'zero', service: web },
        { op: 'zero' },
      ],
    ]);
  });

  it('say all of a service, and an edit puts back what it leaves out', () => {
    const { fake, apply } = fakeRulesTarget();
    apply(
      [
        '-A -u 192.0.2.1:5060 -s rr -p 300 -M 255.255.255.0 --pe sip -o',
        '-E -u 192.0.2.1:5060 -s rr',
        '-A -t 192.0.2.1:0 -p',
        '-a -t 192.0.2.1:0 -r 10.0.0.11:80 -i',
        '-A -f 7 -6 -p 60 -M 64',
        '-a -f 7 -6 -r [2001:db8::11]:80 -i',
        '-A -t 192.0.2.0/28:8000-8099 -s rr',
        '-a -t 192.0.2.0/28:8000-8099 -r 10.0.0.11:80 -i',
      ].join('\n'),
    );
    const sip = { protocol: 17, address: '192.0.2.1', port: 5060 };
    const everyPort = { protocol: 6, address: '192.0.2.1', port: 0 };
    const marked = { protocol: 0, address: '::', port: 0, mark: 7 };
    const range = { protocol: 6, address: '192.0.2.0', prefix: 28, port: 8000, lastPort: 8099 };
    const rr = { scheduler: 'rr', schedulerFlags: [] };
    const wlc = { scheduler: 'wlc', schedulerFlags: [] };
    const config = { ...PLAIN_TUNNEL, weight: 1, upperThreshold: 0, lowerThreshold: 0 };
    const persistence = { timeoutSeconds: 300, netmask: '255.255.255.0', engine: 'sip' };
    assert.deepEqual(fake.applied[0], [
      { op: 'addService', service: sip, config: { ...rr, persistence, onePacket: true } },
      { op: 'editService', service: sip, config: rr },
      { op: 'addService', service: everyPort, config: { ...wlc, persistence: { timeoutSeconds: 360 } } },
      { op: 'addServer', service: everyPort, server: { address: '10.0.0.11', port: 0 }, config, condition: UP },
      { op: 'addService', service: marked, config: { ...wlc, persistence: { timeoutSeconds: 60, netmask: '64' } } },
      { op: 'addServer', service: marked, server: { address: '2001:db8::11', port: 80 }, config, condition: UP },
      { op: 'addService', service: range, config: rr },
      { op: 'addServer', service: range, server: { address: '10.0.0.11', port: 0 }, config, condition: UP },
    ]);
  });

  it('delete and clear', () => {
    const { fake, apply } = fakeRulesTarget();
    apply(`${WEB}-d -t 192.0.2.1:80 -r 10.0.0.11\n-D -t 192.0.2.1:80\n-A -t 192.0.2.1:80\n-C`);
    assert.deepEqual(fake.configuration.virtualServices, []);
    assert.deepEqual(
      fake.applied[0]?.map(({ op }) => op),
      ['addService', 'addServer', 'deleteServer', 'deleteService', 'addService', 'clear'],
    );
  });

  it('set timeouts and sysctls, 0 leaving a timeout as it is', () => {
    const { target, apply } = fakeRulesTarget();
    apply('--set 60 0 30\nsysctl net.ipv4.vs.sloppy_tcp=1');
    assert.deepEqual(target.timeouts, { tcp: 60, tcpFin: 120, udp: 30 });
    assert.equal(target.sysctls.sloppy_tcp, 1);
  });

  for (const [rule, text, message] of REFUSALS) {
    it(`refuse "${rule}" as the kernel does, with the line, and leave nothing behind`, () => {
      const { target, fake, apply } = fakeRulesTarget();
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
    const { target, fake, apply } = fakeRulesTarget();
    fake.refuseApply = Object.assign(new Error('the table is full'), { code: 'ERR_TUNVS_LIMIT' });
    assert.throws(() => apply(`${WEB}--set 1 1 1\nsysctl net.ipv4.vs.sloppy_tcp=1`), {
      code: 'ERR_TUNVS_LIMIT',
      message: 'the table is full',
    });
    assert.deepEqual(target.timeouts, { tcp: 900, tcpFin: 120, udp: 300 });
    assert.equal(target.sysctls.sloppy_tcp, 0);
  });

  it('hold no listings outside a replay', () => {
    const { apply } = fakeRulesTarget();
    assert.throws(
      () => apply('-C\n-L -n'),
      /^TunvsError: web\.rules:2: only a replay prints listings: leave the rule out$/,
    );
  });
});
