/** Prometheus's own tools read what metricsText prints, and what examples/prometheus has. */
import { strict as assert } from 'node:assert';
import { type ChildProcess, execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createTcpServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { metricsContentTypes, type MetricsFormat, metricsFormats, metricsText } from '../../lib/metrics/index.js';
import { eventuallyHolds } from '../support/eventually.js';
import { readExposition, sampleMap } from '../support/exposition.js';
import { asOpen, measuredDirector } from '../support/measured-director.js';

const example = (name: string) => fileURLToPath(new URL(`../../../examples/prometheus/${name}`, import.meta.url));

describe('promtool', () => {
  it('has nothing to say about the metrics', () => {
    const input = [...metricsText(asOpen(measuredDirector()))].join('');
    const { status, stdout, stderr } = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    assert.deepEqual({ status, stdout, stderr }, { status: 0, stdout: '', stderr: '' });
  });

  it('takes the alerts and the configuration of the examples', () => {
    execFileSync('promtool', ['check', 'rules', example('tunvs.rules.yml')], { stdio: 'pipe' });
    execFileSync('promtool', ['check', 'config', example('prometheus.yml')], { stdio: 'pipe' });
  });

  it('sees the alerts about full NAT when its pairs run short and when there are none', () => {
    const server = 'proto="tcp",local_address="192.0.2.1",local_port="80",remote_address="10.0.0.11",remote_port="80"';
    const near = server.replaceAll('10.0.0.11', '10.0.0.12');
    // Whoever is reached by a tunnel has no pairs.
    const tunnel = server.replaceAll('10.0.0.11', '10.0.0.13');
    const always = (series: string, value: number) => ({ series, values: `${value}x20` });
    const firing = (alertname: string, labels: object, summary: string) => ({
      ...{ eval_time: '10m', alertname },
      exp_alerts: [{ exp_labels: labels, exp_annotations: { summary } }],
    });
    const [active, inactive] = ['tunvs_server_connections_active', 'tunvs_server_connections_inactive'];
    const tests = [
      {
        interval: '1m',
        input_series: [
          always(`${active}{${server}}`, 60),
          always(`${inactive}{${server}}`, 30),
          always(`tunvs_server_source_pairs{${server}}`, 100),
          always(`${active}{${near}}`, 80),
          always(`${inactive}{${near}}`, 0),
          always(`tunvs_server_source_pairs{${near}}`, 100),
          always(`${active}{${tunnel}}`, 5000),
          always(`${inactive}{${tunnel}}`, 5000),
          { series: 'tunvs_dropped_packets_total{instance="a",reason="no_port"}', values: '0+60x20' },
          { series: 'tunvs_dropped_packets_total{instance="b",reason="no_port"}', values: '7x20' },
        ],
        alert_rule_test: [
          firing(
            'TunvsSourcesShort',
            {
              ...{ severity: 'warning', proto: 'tcp', local_address: '192.0.2.1', local_port: '80' },
              ...{ remote_address: '10.0.0.11', remote_port: '80' },
            },
            'Full NAT uses 90% of its addresses and ports for 10.0.0.11:80.',
          ),
          firing(
            'TunvsNoSource',
            { severity: 'critical', instance: 'a', reason: 'no_port' },
            'a drops new connections: full NAT has no address and port left for a real server.',
          ),
        ],
      },
    ];
    const folder = mkdtempSync(join(tmpdir(), 'tunvs-alerts-'));
    try {
      const file = join(folder, 'tests.yml');
      // JSON is YAML too.
      writeFileSync(file, JSON.stringify({ rule_files: [example('tunvs.rules.yml')], tests }));
      const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', file], { encoding: 'utf8' });
      assert.equal(status, 0, `${stdout}${stderr}`);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe('Prometheus', () => {
  const director = asOpen(measuredDirector());
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-prometheus-'));
  let exporter: Server;
  let prometheus: ChildProcess;
  let address: string;

  before(async () => {
    exporter = createServer(({ url }, response) => {
      const format = url?.slice(1) as MetricsFormat;
      response.setHeader('content-type', metricsContentTypes[format]);
      Readable.from(metricsText(director, { format })).pipe(response);
    }).listen(0, '127.0.0.1');
    await once(exporter, 'listening');
    const target = `127.0.0.1:${(exporter.address() as AddressInfo).port}`;
    const jobs = metricsFormats.map((format) => ({
      ...{ job_name: format, metrics_path: `/${format}`, scrape_interval: '200ms', scrape_timeout: '200ms' },
      static_configs: [{ targets: [target] }],
    }));
    // JSON is YAML too.
    writeFileSync(join(folder, 'prometheus.yml'), JSON.stringify({ scrape_configs: jobs }));
    address = `127.0.0.1:${await freePort()}`;
    const options = { 'config.file': 'prometheus.yml', 'storage.tsdb.path': 'data', 'web.listen-address': address };
    const args = Object.entries(options).map(([name, value]) => `--${name}=${value}`);
    prometheus = spawn('prometheus', args, { cwd: folder, stdio: 'ignore' });
  });

  after(async () => {
    if (prometheus?.exitCode === null) {
      prometheus.kill('SIGKILL');
      await once(prometheus, 'exit');
    }
    exporter?.closeAllConnections();
    exporter?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  for (const format of metricsFormats) {
    it(`stores every sample that it scrapes, with its labels and value: ${format}`, async () => {
      const text = [...metricsText(director, { format })].join('');
      const printed = sampleMap(readExposition(text, format));
      await eventuallyHolds(async () => {
        const stored = await query(`{job="${format}",__name__=~"(tunvs|process)_.+"}`);
        assert.deepEqual(new Map([...stored].sort()), new Map([...printed].sort()));
      });
    });
  }

  async function query(expression: string): Promise<Map<string, number>> {
    const answer = await fetch(`http://${address}/api/v1/query?query=${encodeURIComponent(expression)}`);
    const { data } = (await answer.json()) as {
      data: { result: { metric: Record<string, string>; value: [number, string] }[] };
    };
    const samples = data.result.map(({ metric: { __name__: name = '', job: _, instance: __, ...labels }, value }) => ({
      ...{ name, labels },
      value: Number(value[1]),
    }));
    return sampleMap([{ name: '', type: '', help: '', samples }]);
  }
});

async function freePort(): Promise<number> {
  const server = createTcpServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}
