import { strict as assert } from 'node:assert';
import { parseEndpoint } from '../../lib/values/inet.js';
import type { ListCommand, ServiceProtocol } from '../../lib/rules/command.js';
import { connectionLine, connectionsTitle } from '../../lib/rules/listing/connections.js';
import { exactNumber, shortNumber } from '../../lib/rules/listing/numbers.js';
import type { ListedConnection, ListedService } from '../../lib/rules/listing/rows.js';
import { saveServices } from '../../lib/rules/listing/save.js';
import { listServices } from '../../lib/rules/listing/services.js';
import { listTimeouts } from '../../lib/rules/listing/timeouts.js';
import { parseCommandLine } from '../../lib/rules/parse-command.js';
import { readGoldenOutput } from '../support/golden.js';
import { BIG_RATES, BIG_TOTALS, CONNECTIONS, RATES } from '../support/golden-counts.js';
import { goldenServices, listedServices } from '../support/golden-services.js';

/** The servers in the order of adding; the newest is listed last here. */
const TRIED = `
-A -t 192.168.50.100:80 -s wlc
-a -t 192.168.50.100:80 -r 10.0.0.11 -i -w 3
-a -t 192.168.50.100:80 -r 10.0.0.12 -i -w 3
-a -t 192.168.50.100:80 -r 10.0.0.13 -i -w 0
-a -t 192.168.50.100:80 -r 10.0.0.99 -g
-a -t 192.168.50.100:80 -r 10.0.0.98 -i -w 65536
-a -t 192.168.50.100:80 -r 10.0.0.97 -i -w 2147483647`;

const OTHERS = `
-A -f 2 -s rr
-A -u 192.168.50.100:86 -s rr -o
-A -t 192.168.50.100:91 -s rr
-A -t 192.168.50.100:89 -s rr -b flag-3,flag-1
-A -t 192.168.50.100:88 -s mh -b mh-port
-A -t 192.168.50.100:87 -s sh -b sh-port,sh-fallback
-A -t 192.168.50.100:83 -s rr -p`;

const LATER = `
-a -t 192.168.50.100:80 -r 192.168.50.100 -i
-a -t 192.168.50.100:80 -r 10.0.0.1 -i
-a -t 192.168.50.100:80 -r 192.0.2.200 -i`;

const LISTINGS: [string, ListedService[]][] = [
  ['show-02-ipvsadm__L.txt', goldenServices(CONNECTIONS)],
  ['show-03-ipvsadm__Ln.txt', goldenServices(CONNECTIONS)],
  ['show-07-ipvsadm__Ln___rate.txt', goldenServices(RATES)],
  ['show-09-ipvsadm__Ln___thresholds.txt', goldenServices(CONNECTIONS)],
  ['big-00-ipvsadm__Ln___stats.txt', goldenServices(BIG_TOTALS)],
  ['big-03-ipvsadm__Ln___rate___exact.txt', goldenServices(BIG_RATES)],
  ['do-06-ipvsadm__Ln__u_192_168_50_100_54.txt', listedServices('-A -u 192.168.50.100:54')],
  ['do-33-ipvsadm__Ln.txt', listedServices(TRIED + OTHERS)],
  ['do-61-ipvsadm__Ln___nosort__t_192_168_50_100_80.txt', listedServices(TRIED + LATER)],
];

function listAs(line: string, services: ListedService[]): string {
  const { columns, exact, sorted, service } = parseCommandLine(line) as ListCommand;
  return listServices(services, { columns, exact, sorted, isSingle: service !== undefined });
}

describe('a listing', () => {
  for (const [file, services] of LISTINGS) {
    const { command, text } = readGoldenOutput(file);
    it(`"${command}" is ipvsadm's, byte for byte (${file.slice(0, 7)})`, () =>
      assert.equal(listAs(command, services), text));
  }

  it('of the rules is what ipvsadm saves, byte for byte', () => {
    assert.equal(saveServices(goldenServices()), readGoldenOutput('show-18-ipvsadm__Sn.txt').text);
  });

  it('of the timeouts is what ipvsadm prints', () => {
    const { text } = readGoldenOutput('do-51-ipvsadm__L___timeout.txt');
    assert.equal(listTimeouts({ tcp: 1, tcpFin: 2, udp: 3 }), text);
  });

  it('with tunnel details names type, port and checksum', () => {
    const tunnels = listedServices(`
-A -f 3 -6 -s rr
-a -f 3 -6 -r [2001:db8::11] -i --tun-type gue --tun-port 6080 --tun-remcsum
-a -f 3 -6 -r [2001:db8::12] -i --tun-type gre --tun-csum
-a -f 3 -6 -r [2001:db8::13] -i
-a -f 3 -6 -r [2001:db8::14] -m -w 7`);
    assert.equal(
      listAs('-L -n --tun-info -f 3 -6', tunnels),
      [
        'Prot LocalAddress:Port Scheduler Flags',
        '  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn',
        'FWM  3 IPv6 rr',
        '  -> [2001:db8::11]:0             Tunnel  gue:6080:r+c  1      0          0         ',
        '  -> [2001:db8::12]:0             Tunnel  gre:+c        1      0          0         ',
        '  -> [2001:db8::13]:0             Tunnel  ipip          1      0          0         ',
        '  -> [2001:db8::14]:0             Masq    n/a           7      0          0         ',
        '',
      ].join('\n'),
    );
  });

  it('of persistent connections has a column for them', () => {
    const services = listedServices('-A -t 192.0.2.1:80\n-a -t 192.0.2.1:80 -r 10.0.0.11 -i -w 9');
    assert.equal(
      listAs('-L -n --persistent-conn -t 192.0.2.1:80', services),
      [
        'Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn ',
        '  -> RemoteAddress:Port',
        'TCP  192.0.2.1:80 wlc',
        '  -> 10.0.0.11:80                 9         0           0          0         ',
        '',
      ].join('\n'),
    );
  });

  it('leaves the rows that it sorts as they are', () => {
    const services = listedServices(TRIED);
    const before = structuredClone(services);
    listAs('-Ln', services);
    assert.deepEqual(services, before);
  });
});

/** Reads `TCP 14:52  ESTABLISHED 172.16.22.32:1022  192.168.50.100:80  10.0.0.12:80` as data. */
function readConnection(line: string): ListedConnection {
  const [protocol = '', expire = '', state = '', ...names] = line.trim().split(/\s+/);
  const [minutes = 0, seconds = 0] = expire.split(':').map(Number);
  const [client, virtual, server] = names.map((name) => parseEndpoint(name) as { address: string; port: number });
  assert.ok(client && virtual && server, line);
  // The listing rounds a part of a second away; this adds the largest.
  const expiresMs = (minutes * 60 + seconds) * 1000 + 999;
  return { protocol: protocol.toLowerCase() as ServiceProtocol, client, virtual, server, state, expiresMs };
}

describe('a listing of connections', () => {
  for (const [file, withEngines] of [
    ['show-12-ipvsadm__Lnc.txt', false],
    ['show-14-ipvsadm__Lnc___persistent_conn.txt', true],
  ] as const) {
    const { command, text } = readGoldenOutput(file);
    it(`"${command}" is ipvsadm's, byte for byte`, () => {
      const [, , ...rows] = text.trimEnd().split('\n');
      const lines = rows.map((row) => connectionLine(readConnection(row), withEngines));
      assert.equal(rows.length, 32);
      assert.equal(connectionsTitle(withEngines) + lines.join(''), text);
    });
  }

  it('has IPv6 addresses in brackets and SCTP in whole', () => {
    const rows = [
      'TCP 14:52  ESTABLISHED [2001:db8:cccc::9]:20001 [2001:db8:50::100]:80 [2001:db8:1::11]:80',
      'SCTP 00:59  S-RECEIVED  172.16.5.9:4000    192.168.50.100:9   10.0.0.11:9',
    ];
    assert.deepEqual(
      rows.map((row) => connectionLine(readConnection(row), false)),
      rows.map((row) => `${row}\n`),
    );
  });
});

describe('a counter in a listing', () => {
  it('is shortened from 100 million on, truncated', () => {
    const shown: [bigint, string][] = [
      [0n, '        0'],
      [99_999_999n, ' 99999999'],
      [100_000_000n, '  100000K'],
      [149_630_999n, '  149630K'],
      [999_999_999n, '  999999K'],
      [1_000_000_000n, '    1000M'],
      [99_999_999_999n, '   99999M'],
      [100_000_000_000n, '     100G'],
      [99_999_999_999_999n, '   99999G'],
      [100_000_000_000_000n, '     100T'],
      [2n ** 64n - 1n, '18446744T'],
    ];
    for (const [value, text] of shown) assert.equal(shortNumber(value), text);
  });

  it('is written out when exact numbers are asked for', () => {
    assert.equal(exactNumber(7), '        7');
    assert.equal(exactNumber(12640870), ' 12640870');
    assert.equal(exactNumber(2n ** 64n - 1n), ' 18446744073709551615');
  });
});
