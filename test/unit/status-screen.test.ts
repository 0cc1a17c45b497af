import { strict as assert } from 'node:assert';
import { stripVTControlCharacters } from 'node:util';
import fc from 'fast-check';
import { duration, grouped, measured, percent, short } from '../../lib/cli/status/figures.js';
import { statusScreen } from '../../lib/cli/status/screen.js';
import type { ServerState, ServerStatus, ServiceStatus, Status } from '../../lib/daemon/status.js';
import { columnsOf } from '../../lib/demo/styled-line.js';

const rates = (connections = 0) => ({ connections, inPackets: 0, inBytes: 0, outPackets: 0, outBytes: 0 });

function server(last: number, state: ServerState = 'up'): ServerStatus {
  const address = `10.3.0.${last}`;
  return {
    ...{ name: `${address}:80`, address, port: 80, forwarding: 'ipip', state, weight: 2 },
    ...{ effectiveWeight: state === 'up' ? 2 : 0, activeConnections: 1200, inactiveConnections: 7, rates: rates(3) },
  };
}

function service(port: number, servers: ServerStatus[]): ServiceStatus {
  return {
    ...{ name: `tcp 192.0.2.1:${port}`, protocol: 'tcp', address: '192.0.2.1', port, scheduler: 'wrr' },
    ...{ activeConnections: 2400, inactiveConnections: 14, rates: rates(6), servers },
  };
}

const PAGES = { residentBytes: 80e6, hugeBytes: 60e6 };

function status(changes: Partial<Status> = {}): Status {
  return {
    ...{ name: 'web', version: '1.2.3', pid: 77, atMs: 0, upMs: 3 * 3_600_000 + 240_000, intervalMs: 500 },
    ...{ role: 'active', heldBack: [] },
    device: {
      name: 'tunvs0',
      attached: false,
      egress: 'packet',
      steering: 'bpf',
      offloads: [],
      fastPath: true,
      fastPathAt: ['egress tunvs0'],
      fastPathReason: '',
      rings: [],
    },
    ...{ markDevices: [], sources: ['10.2.0.2'], workers: [0.34, 0.99], host: { mended: 0, contested: 0 } },
    table: { ipv4: 900, ipv6: 1, capacity: 1000, bytes: 1, ...PAGES, evicted: 0, evictedPerSecond: 0 },
    ...{ rates: { ...rates(6), inPackets: 45_600, inBytes: 1e6 }, drops: [], events: [], warnings: [] },
    services: [service(80, [server(11), server(12, 'down')])],
    ...changes,
  };
}

const plain = (given: Status, columns = 100, rows?: number) =>
  statusScreen(given, { columns, color: false, ...(rows !== undefined && { rows }) })
    .split('\n')
    .slice(0, -1);

describe('statusScreen', () => {
  it('shows what comes back where replies pass the director, if there is room', () => {
    const [own, other] = [server(11), server(12)];
    own.forwarding = 'nat';
    own.rates = { ...rates(3), outPackets: 900, outBytes: 1e6 };
    const given = status({ services: [service(80, [own, other])] });
    const rows = (columns: number) => {
      const lines = plain(given, columns);
      const from = lines.findIndex((each) => each.startsWith('1 service'));
      return lines.slice(from, from + 3);
    };
    assert.deepEqual(rows(110), [
      '1 service        state       weight active inactive conn/s pkts/s  bit/s back: pkts/s  bit/s',
      'tcp 192.0.2.1:80 2/2 up               2.4k       14      6      0      0            0      0',
      '  10.3.0.11:80   up               2   1.2k        7      3      0      0          900     8M',
    ]);
    assert.match(rows(80)[0] ?? '', /pkts\/s {2}bit\/s$/);
    assert.doesNotMatch(rows(80)[0] ?? '', /back/);
  });

  it('says on one screen what an operator wants to know', () => {
    const event = { atMs: Date.UTC(2026, 0, 1, 12, 34, 56), type: 'tableFull', message: 'the table is full' };
    assert.deepEqual(plain(status({ events: [event], warnings: ['something is odd'] })), [
      'tunvs 1.2.3  web  active  up 3 h 4 min  pid 77',
      'device   tunvs0  egress packet  offloads off  fast path on (egress tunvs0)  steered by bpf',
      'sources  10.2.0.2',
      'host     as it was set up',
      'table    IPv4 900 (90 %)  IPv6 1 (< 1 %)  of 1,000 each  80 MB, 75 % in huge pages',
      'traffic  6 connections/s  46k packets/s  8 Mbit/s',
      'workers  34 %  99 %',
      'drops    none',
      '',
      '1 service        state       weight active inactive conn/s pkts/s  bit/s',
      'tcp 192.0.2.1:80 1/2 up               2.4k       14      6      0      0',
      '  10.3.0.11:80   up               2   1.2k        7      3      0      0',
      '  10.3.0.12:80   down             2   1.2k        7      3      0      0',
      '',
      'warning  something is odd',
      '12:34:56 the table is full',
    ]);
  });

  it('says what is wrong with the host, the table and packets', () => {
    const drop = (reason: string, kind: 'dropped' | 'not sent', packets: number, perSecond = 0) =>
      ({ reason, kind, packets, perSecond }) as const;
    const lines = plain(
      status({
        host: { mended: 1, contested: 2 },
        table: { ipv4: 1000, ipv6: 0, capacity: 1000, bytes: 1, ...PAGES, evicted: 12_345, evictedPerSecond: 7.5 },
        drops: [drop('no_service', 'dropped', 1234, 12), drop('no_route', 'not sent', 5)],
        markDevices: [{ name: 'tunvs1', mark: 3 }],
      }),
    );
    assert.ok(lines.includes('host     1 thing put back  left alone 2 times, because somebody takes it away'));
    assert.ok(lines.includes('table    IPv4 1,000 (100 %)  IPv6 0 (0 %)  of 1,000 each  12,345 gave way, 7.5/s'));
    assert.ok(lines.includes('drops    no_service 1,234, 12/s  not sent: no_route 5'));
    assert.ok(lines.includes('marks    tunvs1 mark 3'));
  });

  it("says of health what is up, what only starts or is kept, and what is the director's own fault", () => {
    const checked = (last: number, health: Partial<ServerStatus['health'] & {}>): ServerStatus => ({
      ...server(last),
      health: { state: 'up', since: 0, ...health },
    });
    const shown = (...servers: ServerStatus[]) => {
      const lines = plain(status({ services: [service(80, servers)] }));
      const first = lines.findIndex((each) => each.startsWith('health'));
      return lines.slice(first, lines.indexOf(''));
    };
    assert.deepEqual(shown(checked(11, {}), checked(99, { isSorry: true })), ['health   all 1 server up']);
    assert.deepEqual(shown(checked(11, {}), checked(12, { state: 'starting' }), checked(13, { state: 'kept' })), [
      'health   1 of 3 servers up  1 starting  1 kept, because too many fail at once',
    ]);
    const ownFault = 'tcp: no file descriptor is free';
    assert.deepEqual(shown(checked(11, { ownFault }), checked(12, { ownFault }), checked(13, { state: 'down' })), [
      'health   10.3.0.13:80 of tcp 192.0.2.1:80',
      "         the director's own fault, so 2 servers not checked: tcp: no file descriptor is free",
    ]);
    assert.equal(shown(checked(11, {}), checked(12, { ownFault }))[0], 'health   1 of 2 servers up  1 not checked');
    const faults = [1, 2, 3].map((last) => checked(last, { ownFault: `fault ${last}` }));
    assert.equal(shown(...faults).at(-1), '         and 1 more: see tunvs health');
  });

  it('shows the most frequent drops and says how many reasons more there are', () => {
    const drops = Array.from({ length: 9 }, (_, at) => ({
      ...{ reason: `reason_${'abcdefghi'[at]}`, packets: 9 - at, perSecond: 0 },
      kind: 'dropped' as const,
    }));
    const text = plain(status({ drops })).join('\n');
    assert.match(text, /reason_f 4 {2}and 3 more/);
    assert.doesNotMatch(text, /reason_g/);
  });

  it('shows an offline director, one without services, and servers of other weights', () => {
    const { device: _, host: __, ...offline } = status({ services: [], workers: [] });
    const lines = plain(offline);
    assert.ok(lines.includes('device   none: the director is offline'));
    assert.ok(lines.includes('no virtual services'));
    assert.ok(!lines.some((each) => /^(host|workers)/.test(each)));
    const started = { ...server(11), weight: 10, effectiveWeight: 2.5 };
    const shown = plain(status({ services: [service(80, [started, server(12, 'weight 0')])] })).join('\n');
    assert.match(shown, /10\.3\.0\.11:80 +up +10>2\.5 /);
    assert.match(shown, /10\.3\.0\.12:80 +weight 0 +2 /);
  });

  it('shows those in trouble when not all fit, and counts the others', () => {
    const servers = Array.from({ length: 20 }, (_, at) => server(at + 1, at === 15 ? 'draining' : 'up'));
    const lines = plain(status({ services: [service(80, servers)] }), 100, 15);
    assert.equal(lines.length, 15);
    assert.match(lines[11] ?? '', /10\.3\.0\.16:80 +draining/);
    assert.equal(lines.at(-1), '  and 17 more servers');
    const services = Array.from({ length: 30 }, (_, at) => service(at + 1, at === 20 ? [] : [server(11)]));
    const few = plain(status({ services }), 100, 15);
    assert.match(few[10] ?? '', /^tcp 192\.0\.2\.1:21 +0\/0 up/);
    assert.equal(few.at(-1), 'and 26 more services');
  });

  it('leaves columns out before it cuts names, and shows that a name is cut', () => {
    const headings = (columns: number) =>
      plain(status(), columns)
        .find((each) => each.startsWith('1 service'))
        ?.split(/ {2,}| (?=conn|pkts|active|inact)/);
    assert.deepEqual(headings(60), ['1 service', 'state', 'weight', 'active', 'conn/s', 'bit/s']);
    assert.deepEqual(headings(45), ['1 service', 'state', 'active', 'conn/s']);
    const narrow = plain(status(), 30);
    assert.ok(narrow.includes('  10.…11:80 up            1.2k'), narrow.join('\n'));
  });

  it('tells the day of an event that is older than one', () => {
    const atMs = Date.UTC(2026, 4, 31, 12);
    const event = { atMs, type: 'tableFull', message: 'the table is full' };
    const last = (nowMs: number) => plain(status({ events: [event], atMs: nowMs })).at(-1);
    assert.equal(last(atMs + 86_399_000), '12:00:00 the table is full');
    assert.equal(last(atMs + 86_400_000), '05-31    the table is full');
  });

  it('says how many warnings and events did not fit', () => {
    const warnings = ['first', 'second', 'third'];
    const lines = plain(status({ warnings }), 100, 18).slice(-3);
    assert.deepEqual(lines, ['warning  first', 'warning  second', 'warning  third']);
    assert.deepEqual(plain(status({ warnings }), 100, 15).slice(-2), ['warning  first', 'and 2 more']);
  });

  it('keeps what others wrote from the terminal', () => {
    const warnings = ['evil \x1b[2J\n\x07name'];
    assert.ok(plain(status({ warnings })).includes('warning  evil  [2J name'));
  });

  it('has colours when it is told to, and the same text', () => {
    const coloured = statusScreen(status(), { columns: 100, color: true });
    assert.ok(coloured.includes('\x1b[31mdown'));
    assert.ok(coloured.includes('\x1b[32mup'));
    const stripped = stripVTControlCharacters(coloured)
      .split('\n')
      .map((each) => each.trimEnd());
    assert.deepEqual(stripped.slice(0, -1), plain(status()));
  });

  it('never is wider or higher than the terminal, and counts every server', () => {
    const state = fc.constantFrom<ServerState>('up', 'down', 'draining', 'overloaded', 'weight 0');
    const someServers = fc.array(fc.tuple(fc.integer({ min: 1, max: 254 }), state), { maxLength: 12 });
    const someServices = fc.array(
      someServers.map((servers) =>
        service(
          80,
          servers.map(([last, is]) => server(last, is)),
        ),
      ),
      { maxLength: 12 },
    );
    const sentences = fc.array(fc.lorem({ maxCount: 30 }), { maxLength: 6 });
    const columns = fc.integer({ min: 10, max: 140 });
    const rows = fc.integer({ min: 1, max: 80 });
    fc.assert(
      fc.property(someServices, sentences, columns, rows, (services, warnings, wide, high) => {
        const lines = plain(status({ services, warnings }), wide, high);
        assert.ok(lines.length <= high);
        for (const each of lines) assert.ok(columnsOf(each) <= wide, each);
        const all = services.reduce((sum, { servers }) => sum + servers.length, 0);
        const whole = plain(status({ services, warnings }), 140);
        assert.equal(whole.filter((each) => /^ {2}10\.3\.0\./.test(each)).length, all);
      }),
    );
  });
});

describe('figures', () => {
  it('have three digits at most', () => {
    const cases: [number, string][] = [
      [0, '0'],
      [0.04, '0'],
      [0.05, '0.1'],
      [7.46, '7.5'],
      [9.96, '10'],
      [12, '12'],
      [999.4, '999'],
      [999.6, '1.0k'],
      [1234, '1.2k'],
      [34_567, '35k'],
      [5_600_000, '5.6M'],
      [2e15, '2000T'],
    ];
    for (const [number, text] of cases) assert.equal(short(number), text);
    assert.equal(measured(1_234_000, 'bit/s'), '1.2 Mbit/s');
    assert.equal(measured(0, 'bit/s'), '0 bit/s');
  });

  it('are spelled for people', () => {
    assert.deepEqual([0, 999, 1000, 1_234_567].map(grouped), ['0', '999', '1,000', '1,234,567']);
    assert.deepEqual([0, 0.001, 0.344, 0.999, 1].map(percent), ['0 %', '< 1 %', '34 %', '99 %', '100 %']);
    const times = [5000, 12 * 60_000, 3 * 3_600_000 + 60_000, 51 * 3_600_000];
    assert.deepEqual(times.map(duration), ['5 s', '12 min', '3 h 1 min', '2 d 3 h']);
  });
});
