/**
 * What is made of the table of metrics: the table of docs/metrics.md, and examples/prometheus/dashboard.json for
 * Grafana. `node dist/test/support/metric-pages.js` writes both.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { argv } from 'node:process';
import { pathToFileURL } from 'node:url';
import { SERVER_LABELS, SERVICE_LABELS } from '../../lib/metrics/labels.js';
import type { Metric } from '../../lib/metrics/metric.js';
import { allMetrics } from '../../lib/metrics/table.js';

const ROOT = new URL('../../../', import.meta.url);
export const PAGE = new URL('docs/metrics.md', ROOT);
export const DASHBOARD = new URL('examples/prometheus/dashboard.json', ROOT);

/** Every metric, in groups by the labels that they have. */
export function withMetricTables(page: string): string {
  return page.replace(
    /(<!-- metrics: [^\n]*-->\n).*(\n<!-- \/metrics -->)/s,
    (_, begin, end) => `${begin}\n${tables()}${end}`,
  );
}

function tables(): string {
  const starts = (labels: readonly string[], { labelNames }: Metric) =>
    labels.every((each, at) => labelNames[at] === each);
  const servers = allMetrics.filter((metric) => starts(SERVER_LABELS, metric));
  const services = allMetrics.filter((metric) => starts(SERVICE_LABELS, metric) && !servers.includes(metric));
  const others = allMetrics.filter((metric) => !servers.includes(metric) && !services.includes(metric));
  const own = ({ labelNames }: Metric, from: number) => labelNames.slice(from);
  return [
    '### Of the director\n',
    table(others, (metric) => own(metric, 0)),
    '### Of each virtual service\n',
    `Each has the labels ${list(SERVICE_LABELS)}, and those of its row.\n`,
    table(services, (metric) => own(metric, SERVICE_LABELS.length)),
    '### Of each real server\n',
    `Each has the labels ${list(SERVER_LABELS)},\nand those of its row.\n`,
    table(servers, (metric) => own(metric, SERVER_LABELS.length)),
    '### Values of labels\n',
    ...others.flatMap(({ name, labelNames, meanings }) =>
      meanings === undefined ? [] : [`\`${name}\`:\n`, values(labelNames.at(-1) ?? '', meanings)],
    ),
  ].join('\n');
}

const list = (names: readonly string[]) => names.map((name) => `\`${name}\``).join(', ');

function table(metrics: readonly Metric[], labels: (metric: Metric) => readonly string[]): string {
  const hasLabels = metrics.some((metric) => labels(metric).length > 0);
  const rows = metrics.map((metric) => {
    const { name, type, help } = metric;
    return `| \`${name}\` | ${type} | ${hasLabels ? `${list(labels(metric))} | ` : ''}${help} |`;
  });
  const head = hasLabels ? '| metric | type | labels | meaning |' : '| metric | type | meaning |';
  return `${[head, head.replace(/[a-z]+/g, '---'), ...rows].join('\n')}\n`;
}

function values(label: string, meanings: Readonly<Record<string, string>>): string {
  const rows = Object.entries(meanings).map(([value, meaning]) => `| \`${value}\` | ${meaning} |`);
  return `${[`| ${label} | meaning |`, '| --- | --- |', ...rows].join('\n')}\n`;
}

interface Panel {
  title: string;
  /** Of the table; the panel says its help. */
  metric: string;
  /** `METRIC` stands for the metric's name with the selection of the dashboard's variables. */
  expression: string;
  legend: string;
  unit: string;
}

const SERVICE = '{{proto}} {{local_address}}:{{local_port}}{{local_mark}}';
const BY_SERVICE = 'sum by (proto, local_address, local_port, local_mark)';

const PANELS: readonly Panel[] = [
  ...(
    [
      ['New connections', 'connections', '', 'cps'],
      ['Packets from clients', 'incoming_packets', '', 'pps'],
      ['Traffic from clients', 'incoming_bytes', '8 * ', 'bps'],
    ] as const
  ).map(([title, name, factor, unit]) => ({
    ...{ title, unit, legend: SERVICE, metric: `tunvs_service_${name}_total` },
    expression: `${factor}${BY_SERVICE} (rate(METRIC[$__rate_interval]))`,
  })),
  {
    ...{ title: 'Packets dropped', metric: 'tunvs_dropped_packets_total', legend: '{{reason}}', unit: 'pps' },
    expression: 'sum by (reason) (rate(METRIC[$__rate_interval])) > 0',
  },
  {
    ...{ title: 'Load of the connection table', metric: 'tunvs_table_connections', unit: 'percentunit' },
    ...{
      expression: 'METRIC / on (job, instance, family) tunvs_table_connections_limit',
      legend: '{{instance}} {{family}}',
    },
  },
  {
    ...{ title: 'Real servers that take connections', metric: 'tunvs_service_servers_usable', unit: 'none' },
    ...{ expression: `${BY_SERVICE} (METRIC)`, legend: SERVICE },
  },
  {
    ...{ title: 'Busiest real servers', metric: 'tunvs_server_connections_active', unit: 'none' },
    ...{ expression: 'topk(10, METRIC)', legend: '{{remote_address}}:{{remote_port}}' },
  },
  {
    ...{ title: 'CPU time of workers', metric: 'tunvs_worker_cpu_seconds_total', unit: 'percentunit' },
    expression: 'sum by (instance, worker) (rate(METRIC[$__rate_interval]))',
    legend: '{{instance}} worker {{worker}}',
  },
  {
    ...{ title: 'Packets that could not be sent', metric: 'tunvs_egress_failed_packets_total', unit: 'pps' },
    ...{ expression: 'sum by (reason) (rate(METRIC[$__rate_interval]))', legend: '{{reason}}' },
  },
  {
    ...{ title: 'Events', metric: 'tunvs_events_total', unit: 'none', legend: '{{type}}' },
    expression: 'sum by (type) (increase(METRIC[$__rate_interval])) > 0',
  },
];

const WIDTH = 12;
const HEIGHT = 8;

export function dashboard(): string {
  const datasource = { type: 'prometheus', uid: '$datasource' };
  const panels = PANELS.map(({ title, metric, expression, legend, unit }, at) => {
    const description = allMetrics.find(({ name }) => name === metric)?.help;
    if (description === undefined) throw new Error(`there is no metric ${metric}`);
    const expr = expression.replace('METRIC', `${metric}{instance=~"$instance"}`);
    return {
      ...{ id: at + 1, type: 'timeseries', title, description, datasource },
      gridPos: { x: (at % 2) * WIDTH, y: Math.floor(at / 2) * HEIGHT, w: WIDTH, h: HEIGHT },
      fieldConfig: { defaults: { unit, min: 0 }, overrides: [] },
      targets: [{ refId: 'A', datasource, expr, legendFormat: legend }],
    };
  });
  const variables = [
    { name: 'datasource', label: 'Data source', type: 'datasource', query: 'prometheus' },
    {
      ...{ name: 'instance', label: 'Director', type: 'query', datasource, multi: true, includeAll: true, refresh: 2 },
      ...{ query: 'label_values(tunvs_build_info, instance)', current: { text: 'All', value: '$__all' } },
    },
  ];
  const frame = { title: 'tunvs', uid: 'tunvs', tags: ['tunvs'], schemaVersion: 39, refresh: '30s' };
  const content = { ...frame, time: { from: 'now-3h', to: 'now' }, templating: { list: variables }, panels };
  return `${JSON.stringify(content, undefined, 2)}\n`;
}

if (import.meta.url === pathToFileURL(argv[1] ?? '').href) {
  writeFileSync(PAGE, withMetricTables(readFileSync(PAGE, 'utf8')));
  writeFileSync(DASHBOARD, dashboard());
}
