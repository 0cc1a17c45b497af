import { strict as assert } from 'node:assert';
import type { Command } from '../../lib/rules/command.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';

const WEB = { kind: 'address', protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const MARK = { kind: 'mark', mark: 7, family: 4 } as const;
const SERVER = { address: '10.0.0.11', port: 80 };
const SERVICE_DEFAULTS = { scheduler: 'wlc', schedulerFlags: [], onePacket: false };
const TUNNEL = { forwarding: 'ipip', weight: 1, upperThreshold: 0, lowerThreshold: 0 } as const;
const LIST: Command = {
  command: 'list',
  what: 'services',
  columns: 'plain',
  exact: false,
  sorted: true,
  numeric: true,
};

/** Every row: a rule, and what it means. */
const MEANINGS: [string, Command][] = [
  ['-A -t 192.0.2.1:80', { command: 'addService', service: WEB, settings: SERVICE_DEFAULTS }],
  ['ipvsadm -A -t 192.0.2.1:80 # comment', { command: 'addService', service: WEB, settings: SERVICE_DEFAULTS }],
  ['-At192.0.2.1:80 -srr', { command: 'addService', service: WEB, settings: { ...SERVICE_DEFAULTS, scheduler: 'rr' } }],
  [
    '--add-service --tcp-service=192.0.2.1:80 --scheduler=rr',
    { command: 'addService', service: WEB, settings: { ...SERVICE_DEFAULTS, scheduler: 'rr' } },
  ],
  ['-E --tcp-service 192.0.2.1:80', { command: 'editService', service: WEB, settings: SERVICE_DEFAULTS }],
  [
    '-A -u 192.0.2.1:53 -o',
    {
      command: 'addService',
      service: { ...WEB, protocol: 'udp', port: 53 },
      settings: { ...SERVICE_DEFAULTS, onePacket: true },
    },
  ],
  [
    '-A -t 192.0.2.1:80 -p',
    { command: 'addService', service: WEB, settings: { ...SERVICE_DEFAULTS, persistence: { timeoutSeconds: 360 } } },
  ],
  [
    '-A -t 192.0.2.1 -p 300 -M 255.255.255.0 --pe sip',
    {
      command: 'addService',
      service: { ...WEB, port: 0 },
      settings: { ...SERVICE_DEFAULTS, persistence: { timeoutSeconds: 300, netmask: '255.255.255.0', engine: 'sip' } },
    },
  ],
  [
    '-A -t [2001:db8::1]:80 -p -M 64',
    {
      command: 'addService',
      service: { ...WEB, address: '2001:db8::1' },
      settings: { ...SERVICE_DEFAULTS, persistence: { timeoutSeconds: 360, netmask: '64' } },
    },
  ],
  [
    '-A -t 192.0.2.1:80 -b sh-port,sh-fallback -s sh',
    { command: 'addService', service: WEB, settings: { ...SERVICE_DEFAULTS, scheduler: 'sh', schedulerFlags: [1, 2] } },
  ],
  ['-D -t 192.0.2.1:80', { command: 'deleteService', service: WEB }],
  ['-D --sctp-service 192.0.2.1:9', { command: 'deleteService', service: { ...WEB, protocol: 'sctp', port: 9 } }],
  ['-D -f 7', { command: 'deleteService', service: MARK }],
  ['-D -f 7 -6', { command: 'deleteService', service: { ...MARK, family: 6 } }],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i', { command: 'addServer', service: WEB, server: SERVER, settings: TUNNEL }],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -i', { command: 'addServer', service: WEB, server: SERVER, settings: TUNNEL }],
  [
    '-a -t 192.0.2.1:80 -r 10.0.0.11:8080 -m',
    {
      command: 'addServer',
      service: WEB,
      server: { ...SERVER, port: 8080 },
      settings: { ...TUNNEL, forwarding: 'nat' },
    },
  ],
  [
    '-a -t 192.0.2.1:80 -r 10.0.0.11',
    { command: 'addServer', service: WEB, server: SERVER, settings: { ...TUNNEL, forwarding: 'dr' } },
  ],
  [
    '-a -f 7 -r 10.0.0.11 -i -w0',
    { command: 'addServer', service: MARK, server: { ...SERVER, port: 0 }, settings: { ...TUNNEL, weight: 0 } },
  ],
  [
    '-e -t 192.0.2.1:80 -r 10.0.0.11:80 -iw5 -x=100 --l-threshold 80',
    {
      command: 'editServer',
      service: WEB,
      server: SERVER,
      settings: { ...TUNNEL, weight: 5, upperThreshold: 100, lowerThreshold: 80 },
    },
  ],
  [
    '-a -t 192.0.2.1:80 -r 10.0.0.11 -i --tun-type gue --tun-port 6080 --tun-remcsum',
    {
      command: 'addServer',
      service: WEB,
      server: SERVER,
      settings: { ...TUNNEL, forwarding: 'gue', tunnelPort: 6080, tunnelChecksum: 'remcsum' },
    },
  ],
  [
    '-a -t 192.0.2.1:80 -r 10.0.0.11 -i --tun-type gre',
    {
      command: 'addServer',
      service: WEB,
      server: SERVER,
      settings: { ...TUNNEL, forwarding: 'gre', tunnelChecksum: 'nocsum' },
    },
  ],
  [
    '-a -t 192.0.2.1:80 -r [2001:db8::11] -i',
    { command: 'addServer', service: WEB, server: { address: '2001:db8::11', port: 80 }, settings: TUNNEL },
  ],
  ['-d -t 192.0.2.1:80 -r 10.0.0.11', { command: 'deleteServer', service: WEB, server: SERVER }],
  ['-C', { command: 'clear' }],
  ['-R', { command: 'restore' }],
  ['-Sn', { command: 'save', numeric: true }],
  ['ipvsadm', { ...LIST, numeric: false }],
  ['-Ln', LIST],
  ['-l -n --sort', LIST],
  ['-Lnc', { ...LIST, what: 'connections' }],
  ['-Lnc --persistent-conn', { ...LIST, what: 'connections', columns: 'persistent' }],
  ['-Ln --rate --stats -X --nosort', { ...LIST, columns: 'stats', exact: true, sorted: false }],
  ['-L --timeout', { ...LIST, what: 'timeouts', numeric: false }],
  ['-L --daemon', { ...LIST, what: 'daemon', numeric: false }],
  ['-Ln -t 192.0.2.1:80 --tun-info', { ...LIST, service: WEB, columns: 'tunnel' }],
  ['-Z', { command: 'zero' }],
  ['-Z -t 192.0.2.1:80', { command: 'zero', service: WEB }],
  ['--set 900 120 300', { command: 'setTimeouts', tcp: 900, tcpFin: 120, udp: 300 }],
  [
    '--start-daemon master --mcast-interface eth1 --syncid 3 --mcast-port 8849',
    { command: 'startDaemon', role: 'master', interface: 'eth1', syncId: 3, port: 8849 },
  ],
  ['--stop-daemon backup', { command: 'stopDaemon', role: 'backup' }],
  ['-h', { command: 'help' }],
  ['--version', { command: 'version' }],
];

describe('a rule', () => {
  for (const [rule, meaning] of MEANINGS) {
    it(`"${rule}" is understood`, () => assert.deepEqual(parseCommandLine(rule), meaning));
  }

  it('is none when it is blank or a comment', () => {
    assert.equal(parseCommandLine('   '), undefined);
    assert.equal(parseCommandLine('# -C'), undefined);
  });
});

/** Every row: a rule, what the error says, and what ipvsadm exits with. */
const MISTAKES: [string, RegExp, number][] = [
  ['-A -t 192.0.2.1:80 -q', /^-q is not an option of ipvsadm: correct it/, 255],
  ['-Aq', /^-q \(in "-Aq"\) is not an option/, 255],
  ['-A --tcp 192.0.2.1:80', /^--tcp is not an option/, 255],
  ['-t 192.0.2.1:80 -A', /^"-t" is not a command: begin with one of/, 255],
  ['add -t 192.0.2.1:80', /^"add" is not a command/, 255],
  ['-A -t 192.0.2.1:80 -D', /^-D is a second command/, 2],
  ['-A -t 192.0.2.1:80 -u 192.0.2.1:80', /^-u and -t exclude each other: keep one/, 2],
  ['-A -t 192.0.2.1:80 -s rr -s rr', /^-s is given twice/, 2],
  [
    '-A -t 192.0.2.1',
    /^192\.0\.2\.1 has no port, and only a persistent service may have that: add the port, or -p$/,
    2,
  ],
  ['-A -t 192.0.2.1:0', /^192\.0\.2\.1 has port 0, and only/, 2],
  ['-A -t [2001:db8::]', /^2001:db8:: has no port, and only/, 2],
  ['-A -t [2001:db8::]:0', /^2001:db8:: has port 0, and only/, 2],
  ['-A -t 192.0.2.1:80 -p 2678401', /write a number of seconds from 1 to 2678400/, 2],
  ['-A -t 192.0.2.1:80 -M 0.0.0.0', /dotted mask other than 0\.0\.0\.0/, 2],
  ['-A -t 192.0.2.1:80 -p -M 0.0.0.0', /dotted mask other than 0\.0\.0\.0/, 2],
  ['-A -t [2001:db8::1]:80 -p -M 129', /prefix length from 1 to 128/, 2],
  ['-A -t 192.0.2.1:80 -s rr -b sh-port', /goes with -s sh, not with -s rr/, 2],
  ['-A -t 192.0.2.1:80 -w 3', /^-w does not go with -A: leave it out/, 2],
  ['-D -t 192.0.2.1:80 -s rr', /^-s does not go with -D/, 2],
  ['-C -t 192.0.2.1:80', /^-t does not go with -C/, 2],
  ['-a -t 192.0.2.1:80 -r ten', /^-r ten is not a numeric address: names are not looked up/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -g', /^-g and -i exclude each other/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w -1', /^-w -1: write a weight from 0 to 2147483647/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 2147483648', /from 0 to 2147483647/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 1.5', /^-w 1\.5: write a weight/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w heavy', /^-w heavy: write a weight/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w', /^-w lacks its value/, 255],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -x -1', /^-x -1: write a number of connections/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i -y x', /^-y x: write a number of connections/, 2],
  ['-a -t 192.0.2.1:80 -r [2001:db8::11] -g', /of another address family .* service: add -i, which alone/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 --tun-type ipip', /^--tun-type is for tunnels only: add -i/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i --tun-port 6080', /^--tun-port does not go with an ipip tunnel/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i --tun-type gue', /needs the UDP port of the tunnel: add --tun-port/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i --tun-type gre --tun-remcsum', /^--tun-remcsum is for gue only/, 2],
  ['-a -t 192.0.2.1:80 -r 10.0.0.11 -i --ipip=yes', /^--ipip takes no value/, 255],
  ['-D -f 4294967296', /firewall mark from 1 to 4294967295/, 2],
  ['-Ln -t 192.0.2.1:80 -c', /exclude each other in a listing/, 2],
  ['-L --timeout --stats', /exclude each other/, 2],
  ['-C now', /^"now" belongs to no option/, 2],
  ['--set 1 2 3 4', /^"4" belongs to no option/, 2],
  ['--set 1 2 2678401', /from 0 to 2678400/, 2],
  ['--start-daemon leader', /write master or backup/, 2],
  ['--start-daemon master --syncid 256', /a sync id from 0 to 255/, 2],
  ['--start-daemon master --mcast-group 10.0.0.1', /write a multicast address/, 2],
];

describe('a rule with a mistake', () => {
  for (const [rule, message, exitStatus] of MISTAKES) {
    it(`"${rule}" is refused with a sentence`, () => {
      assert.throws(
        () => parseCommandLine(rule),
        (error: { code: string; message: string; ipvsadm: { exitStatus: number } }) => {
          assert.equal(error.code, 'ERR_TUNVS_RULES');
          assert.match(error.message, message);
          assert.equal(error.ipvsadm.exitStatus, exitStatus);
          return true;
        },
      );
    });
  }
});
