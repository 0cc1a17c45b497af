import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { counterNames } from '../../lib/stats/counter-names.js';
import { engineMetrics } from '../../lib/metrics/engine-metrics.js';
import { metricsFormats, metricsText } from '../../lib/metrics/index.js';
import { type LabelSet, labelSet } from '../../lib/metrics/label-set.js';
import type { Metric } from '../../lib/metrics/metric.js';
import { readSnapshot } from '../../lib/metrics/snapshot.js';
import { allMetrics } from '../../lib/metrics/table.js';
import { pieces } from '../../lib/metrics/text.js';
import { readExposition, sampleMap } from '../support/exposition.js';
import { tcp } from '../support/packets.js';
import { FakeHealth } from '../support/fake-health.js';
import { membershipOf } from '../support/fleet-condition.js';
import { asOpen, measuredDirector, ODD_NAME } from '../support/measured-director.js';

type Options = Parameters<typeof metricsText>[1];

const textOf = (director: Parameters<typeof metricsText>[0], options?: Options) =>
  [...metricsText(director, options)].join('');

function samplesOf(director: Parameters<typeof metricsText>[0], options?: Options): Map<string, number> {
  return sampleMap(readExposition(textOf(director, options), options?.format ?? 'prometheus'));
}

const key = (name: string, labels: Record<string, string> = {}) =>
  `${name} ${JSON.stringify(Object.entries(labels).sort())}`;

const WEB = { proto: 'TCP', local_address: '192.0.2.1', local_port: '80' };

describe('metricsText', () => {
  for (const format of metricsFormats) {
    it(`prints what is valid, with every metric of the table: ${format}`, () => {
      const families = readExposition(
        textOf(asOpen(measuredDirector()), { format, health: new FakeHealth(), fleet: membershipOf() }),
        format,
      );
      const stem = (name: string) => (format === 'openmetrics' ? name.replace(/_(total|info)$/, '') : name);
      assert.deepEqual(
        families.map(({ name }) => name),
        allMetrics.map(({ name }) => stem(name)),
      );
      for (const [index, { labelNames }] of allMetrics.entries()) {
        const used = new Set(families[index]?.samples.flatMap(({ labels }) => Object.keys(labels)));
        assert.deepEqual([...used].sort(), [...labelNames].sort(), allMetrics[index]?.name);
      }
    });
  }

  it('says the same in both formats', () => {
    const director = asOpen(measuredDirector());
    assert.deepEqual(samplesOf(director, { format: 'openmetrics' }), samplesOf(director));
  });

  it('shows each counter of the engine once, with its value', () => {
    const director = measuredDirector();
    const { counters } = director.stats();
    const snapshot = readSnapshot(director, { servers: false });
    const rows = engineMetrics.flatMap((metric) => [...metric.rows(snapshot)]);
    assert.deepEqual(rows.map(({ counter }) => counter).sort(), [...counterNames].sort());
    for (const metric of engineMetrics)
      for (const row of metric.rows(snapshot))
        assert.equal(metric.value(row, snapshot), counters[row.counter], row.counter);
    const samples = samplesOf(director);
    assert.equal(samples.get(key('tunvs_received_packets_total')), 3);
    assert.equal(samples.get(key('tunvs_forwarded_packets_total')), 2);
    assert.equal(samples.get(key('tunvs_dropped_packets_total', { reason: 'no_service' })), 1);
    assert.equal(samples.get(key('tunvs_dropped_packets_total', { reason: 'table_full' })), 0);
  });

  it('shows what checks have found, and nothing of it where nobody checks', () => {
    const director = measuredDirector();
    const samples = samplesOf(director, { health: new FakeHealth(['10.3.0.11']) });
    const server = { ...WEB, remote_address: '10.3.0.11', remote_port: '80' };
    assert.equal(samples.get(key('tunvs_server_checks_total', { ...server, check: 'http', result: 'passed' })), 7);
    assert.equal(samples.get(key('tunvs_server_checks_total', { ...server, check: 'http', result: 'failed' })), 3);
    assert.equal(samples.get(key('tunvs_server_check_duration_seconds', { ...server, check: 'http' })), 0.25);
    assert.equal(samples.get(key('tunvs_server_health_changed_timestamp_seconds', server)), 1767355391);
    assert.equal(samples.get(key('tunvs_server_own_fault', server)), 0);
    const faulty = samplesOf(director, { health: new FakeHealth([], ['10.3.0.11']) });
    assert.equal(faulty.get(key('tunvs_server_own_fault', server)), 1);
    assert.deepEqual(
      ['quorum', 'quorum_weight', 'quorum_reached'].map((name) => samples.get(key(`tunvs_service_${name}`, WEB))),
      [1, 1, 1],
    );
    const without = samplesOf(director, { servers: false, health: new FakeHealth() });
    assert.ok(![...without.keys()].some((name) => name.startsWith('tunvs_server_')));
    assert.ok(![...samplesOf(director).keys()].some((name) => /quorum|server_check/.test(name)));
  });

  it('shows services and real servers by the labels of the ipvs collector of node_exporter', () => {
    const samples = samplesOf(measuredDirector());
    const server = { ...WEB, remote_address: '10.3.0.11', remote_port: '80' };
    const down = { ...WEB, remote_address: '10.3.0.12', remote_port: '80' };
    assert.equal(samples.get(key('tunvs_service_connections_total', WEB)), 1);
    assert.equal(samples.get(key('tunvs_service_servers', WEB)), 2);
    assert.equal(samples.get(key('tunvs_service_servers_usable', WEB)), 1);
    assert.equal(samples.get(key('tunvs_service_connections_active', WEB)), 1);
    assert.equal(samples.get(key('tunvs_service_info', { ...WEB, scheduler: 'wrr' })), 1);
    assert.equal(samples.get(key('tunvs_server_incoming_packets_total', server)), 2);
    assert.equal(samples.get(key('tunvs_server_incoming_bytes_total', server)), 80);
    assert.equal(samples.get(key('tunvs_server_weight', server)), 2);
    assert.equal(samples.get(key('tunvs_server_up', server)), 1);
    assert.equal(samples.get(key('tunvs_server_up', down)), 0);
    assert.equal(samples.get(key('tunvs_server_upper_threshold', down)), 10);
    assert.equal(samples.has(key('tunvs_server_upper_threshold', server)), false);
    assert.equal(samples.get(key('tunvs_server_path_mtu_bytes', server)), 1500);
    const range = { proto: 'UDP', local_address: '192.0.2.0/28', local_port: '5000-5010' };
    assert.equal(samples.get(key('tunvs_service_servers', range)), 1);
    const mark = { proto: 'FWM', local_port: '0', local_mark: '0000001F' };
    assert.equal(samples.get(key('tunvs_service_servers', mark)), 1);
    assert.equal(samples.get(key('tunvs_service_servers', { ...mark, local_address: '::' })), 0);
  });

  it('shows what an open director has: device, host, workers, events', () => {
    const director = measuredDirector();
    const samples = samplesOf(asOpen(director));
    assert.equal(samples.get(key('tunvs_device_info', { device: 'tunvs0', egress: 'raw' })), 1);
    assert.equal(samples.get(key('tunvs_host_mended_total')), 3);
    assert.equal(samples.get(key('tunvs_host_contested_total')), 1);
    assert.equal(samples.get(key('tunvs_worker_cpu_seconds_total', { worker: '0', mode: 'user' })), 1.5);
    assert.equal(samples.get(key('tunvs_worker_cpu_seconds_total', { worker: '1', mode: 'system' })), 2e-9);
    assert.equal(samples.get(key('tunvs_events_total', { type: 'host_mended' })), 2);
    assert.equal(samples.get(key('tunvs_table_connections', { family: 'ipv4' })), 1);
    assert.equal(samples.get(key('tunvs_table_connections_limit', { family: 'ipv6' })), 1024);
    const offline = samplesOf(director);
    assert.equal(offline.has(key('tunvs_host_mended_total')), false);
    assert.equal(
      [...offline.keys()].some((each) => each.startsWith('tunvs_device_info')),
      false,
    );
  });

  it('counts events by type, whoever listens', async () => {
    const director = measuredDirector();
    const failing = director.virtualService({ protocol: 'tcp', address: '192.0.2.2', port: 443 });
    failing?.addRealServer({ address: '10.3.0.15' });
    await failing?.policy?.refresh().catch(() => {});
    const policy = samplesOf(director);
    const labels = { proto: 'TCP', local_address: '192.0.2.2', local_port: '443', kind: 'table', policy: ODD_NAME };
    assert.ok((policy.get(key('tunvs_policy_failed_total', labels)) ?? 0) > 0);
    assert.equal(policy.get(key('tunvs_events_total', { type: 'policy_failed' })), 1);
  });

  it('has counters that only grow while their service lives, whatever is changed meanwhile', () => {
    const director = measuredDirector();
    const web = director.virtualService(serviceKey());
    const total = (samples: Map<string, number>) =>
      [...samples].filter(([name]) => /_total /.test(name)).reduce((sum, [, count]) => sum + count, 0);
    let before = samplesOf(director);
    const first = total(before);
    for (let round = 1; round <= 30; round++) {
      const to = `192.0.2.1:${round % 3 === 0 ? 81 : 80}`;
      director.process(tcp({ from: `198.51.100.9:${round}`, to, flags: 'S' }), round);
      const server = web?.realServers[round % 2];
      server?.edit({ weight: round % 4 });
      if (server !== undefined) server.isUp = round % 5 !== 0;
      const now = samplesOf(director);
      for (const [name, count] of before) {
        if (/_total /.test(name)) assert.ok((now.get(name) ?? -1) >= count, name);
      }
      before = now;
    }
    assert.ok(total(before) > first + 60);
  });

  it('leaves the real servers out when told to', () => {
    const text = textOf(measuredDirector(), { servers: false });
    assert.doesNotMatch(text, /tunvs_server_/);
    assert.match(text, /^tunvs_servers 4$/m);
    assert.match(text, /^tunvs_service_servers\{.*\} 2$/m);
  });

  it('comes in pieces of about 64 KiB that end with lines', () => {
    const director = measuredDirector();
    const service = director.virtualService(serviceKey());
    director.transaction(() => {
      for (let i = 0; i < 400; i++) service?.addRealServer({ address: `10.4.${i >> 8}.${i & 255}` });
    });
    const parts = [...metricsText(director)];
    assert.ok(parts.length > 10);
    for (const part of parts.slice(0, -1)) assert.ok(part.length >= 65_536 && part.length < 66_560);
    for (const part of parts) assert.ok(part.endsWith('\n'));
    readExposition(parts.join(''), 'prometheus');
  });

  it('is about one moment, that of the first piece', () => {
    const director = measuredDirector();
    const reading = metricsText(director)[Symbol.iterator]();
    const text = reading.next().value;
    director.process(new Uint8Array(1), 1);
    assert.match(String(text), /^tunvs_received_packets_total 3$/m);
    assert.match(textOf(director), /^tunvs_received_packets_total 4$/m);
  });

  it('refuses odd options at once, and a closed director when it is read', async () => {
    const director = measuredDirector();
    const refused = { code: 'ERR_TUNVS_INVALID_ARGUMENT' };
    assert.throws(() => metricsText(director, { format: 'json' as 'prometheus' }), refused);
    assert.throws(() => metricsText(director, { servers: 1 as unknown as boolean }), refused);
    assert.throws(() => metricsText(director, { server: true } as object), refused);
    const text = metricsText(director);
    await director.close();
    assert.throws(() => [...text], { code: 'ERR_TUNVS_CLOSED' });
  });
});

function serviceKey() {
  return { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
}

describe('the table of metrics', () => {
  it("follows Prometheus's guide", () => {
    const names = allMetrics.map(({ name }) => name);
    assert.deepEqual([...new Set(names)], names);
    for (const { name, type, help, labelNames } of allMetrics) {
      assert.match(name, /^(tunvs(_[a-z]+)+|process_start_time_seconds)$/);
      assert.equal(name.endsWith('_total'), type === 'counter', name);
      assert.equal(name.endsWith('_info'), type === 'info', name);
      // These are suffixes of other types, or of OpenMetrics, which would take them for part of another family.
      assert.doesNotMatch(name.replace(/_(total|info)$/, ''), /_(count|sum|bucket|created|total|info|gcount|gsum)$/);
      assert.match(help, /^[A-Z][^"\\\n]*\.?$/, name);
      for (const label of labelNames) assert.match(label, /^[a-z]+(_[a-z]+)*$/);
    }
  });

  it('has no family whose samples another may be taken for', () => {
    const stems = new Set(allMetrics.map(({ name, type }) => (type === 'gauge' ? name : name.replace(/_[a-z]+$/, ''))));
    assert.equal(stems.size, allMetrics.length);
  });
});

describe('a sample', () => {
  const print = (labels: LabelSet, value: number | bigint | undefined, format: 'prometheus' | 'openmetrics') => {
    const metric: Metric = {
      ...{ name: 'tunvs_odd', type: 'gauge', help: 'Odd.', labelNames: [] },
      rows: () => [{ labels }],
      value: () => value,
    };
    return [...pieces([metric], () => ({}) as never, format)].join('');
  };

  it('is read back as it was, whatever its labels and value are', () => {
    const text = fc.oneof(fc.string({ unit: 'binary' }), fc.constantFrom('\\', '"', '\n', '\\n', '}', '{a="b"} 1', ''));
    const value = fc.oneof(fc.double(), fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }));
    fc.assert(
      fc.property(text, text, value, fc.constantFrom(...metricsFormats), (first, second, number, format) => {
        const [family] = readExposition(print(labelSet({ first, second }), number, format), format);
        const labels = { ...(first !== '' && { first }), ...(second !== '' && { second }) };
        assert.deepEqual(family?.samples[0]?.labels, labels);
        const read = family?.samples[0]?.value as number;
        assert.ok(Object.is(read, Number(number)) || read === Number(number));
      }),
    );
  });

  it('that has no value is left out, with its family', () => {
    assert.equal(print(labelSet({}), undefined, 'prometheus'), '');
    assert.equal(print(labelSet({}), undefined, 'openmetrics'), '# EOF\n');
  });

  it('may be no number, or infinite', () => {
    const last = (value: number) => print(labelSet({}), value, 'prometheus').split('\n').at(-2);
    assert.equal(last(Number.NaN), 'tunvs_odd NaN');
    assert.equal(last(Number.POSITIVE_INFINITY), 'tunvs_odd +Inf');
    assert.equal(last(Number.NEGATIVE_INFINITY), 'tunvs_odd -Inf');
  });
});

describe('readExposition', () => {
  const good = '# HELP a A.\n# TYPE a gauge\na{b="c"} 1\n';
  const bad: [why: RegExp, text: string][] = [
    [/does not end/, good.slice(0, -1)],
    [/not a sample/, `${good}a{b="c" 1\n`],
    [/not labels/, good.replace('"c"', '"c"d"')],
    [/not labels/, good.replace('"c"', '"\\c"')],
    [/not a value/, good.replace(' 1', ' 1n')],
    [/twice/, `${good}a{b="c"} 2\n`],
    [/two places/, `${good}${good}`],
    [/not of the family/, good.replace('a{', 'aa{')],
    [/no sample/, good.replace(/^a.*\n/m, '')],
    [/not a type/, good.replace('gauge', 'info')],
    [/another family/, good.replace('HELP a', 'HELP b')],
  ];
  for (const [why, text] of bad)
    it(`complains: ${why.source}`, () => assert.throws(() => readExposition(text, 'prometheus'), why));

  it('refuses a text of OpenMetrics without its end, and a counter without _total', () => {
    assert.throws(() => readExposition(good, 'openmetrics'), /EOF/);
    const counter = `${good.replace('gauge', 'counter')}# EOF\n`;
    assert.throws(() => readExposition(counter, 'openmetrics'), /not of the family/);
  });
});
