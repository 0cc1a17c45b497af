/** Prints metrics in the text formats that Prometheus reads: its classic one (0.0.4), and OpenMetrics 1.0. */
import type { Membership } from '../fleet/membership.js';
import type { HealthView } from '../health/view.js';
import { booleanOption, checkedOptions, choiceOption } from '../values/options.js';
import type { Metric, MetricType } from './metric.js';
import { type Measured, readSnapshot, type Snapshot } from './snapshot.js';
import { allMetrics } from './table.js';

/** The formats of {@link metricsText}. */
export const metricsFormats = Object.freeze(['prometheus', 'openmetrics'] as const);

/** The name of a format of {@link metricsText}. */
export type MetricsFormat = (typeof metricsFormats)[number];

/** What the header `content-type` says about each format. */
export const metricsContentTypes: Readonly<Record<MetricsFormat, string>> = Object.freeze({
  prometheus: 'text/plain; version=0.0.4; charset=utf-8',
  openmetrics: 'application/openmetrics-text; version=1.0.0; charset=utf-8',
});

/**
 * The options of {@link metricsText}.
 *
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { type MetricsOptions, metricsText } from 'tunvs/metrics';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const options: MetricsOptions = { servers: false, format: 'openmetrics' };
 * const text = [...metricsText(director, options)].join('');
 * console.log(text.endsWith('# EOF\n')); // true
 * await director.close();
 * ```
 */
export interface MetricsOptions {
  /** Whether there are metrics of each real server. The default is true. */
  servers?: boolean;
  /** The monitor whose findings are shown. By default there are no metrics of health. */
  health?: Pick<HealthView, 'of'>;
  /** How the director stands to its fleet; `tunvs run` has one. @internal */
  fleet?: Pick<Membership, 'condition'>;
  /** The text format. The default is 'prometheus', the classic one. */
  format?: MetricsFormat;
}

/** Characters after which a piece ends. */
const PIECE = 64 * 1024;

/**
 * Prints the metrics of a director in pieces of about 64 KiB. The director is read when the first piece is asked for,
 * and all of the text is about that moment. A caller with many real servers can wait for something between two pieces,
 * so that the event loop goes on.
 *
 * @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT when an option is refused. The iteration throws
 *   ERR_TUNVS_CLOSED when the director is closed.
 * @example
 * ```ts
 * import { Director } from 'tunvs';
 * import { metricsText } from 'tunvs/metrics';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const text = [...metricsText(director)].join('');
 * console.log(text.includes('tunvs_received_packets_total 0')); // true
 * await director.close();
 * ```
 */
export function metricsText(director: Measured, options: MetricsOptions = {}): Iterable<string> {
  const given = checkedOptions('metricsText', options, ['servers', 'format', 'health', 'fleet']);
  const { health, fleet } = given;
  const servers = booleanOption('metricsText: servers', given.servers, true);
  const format = choiceOption<MetricsFormat>('metricsText: format', given.format ?? 'prometheus', metricsFormats);
  return {
    [Symbol.iterator]: () =>
      pieces(
        allMetrics,
        () => readSnapshot(director, { servers, ...(health && { health }), ...(fleet && { fleet }) }),
        format,
      ),
  };
}

/** Prints `metrics` of what `read` returns. */
export function* pieces(
  metrics: readonly Metric[],
  read: () => Snapshot,
  format: MetricsFormat,
): Generator<string, void, undefined> {
  const snapshot = read();
  let text = '';
  for (const metric of metrics) {
    let isBegun = false;
    for (const row of metric.rows(snapshot)) {
      const value = metric.value(row, snapshot);
      if (value === undefined) continue;
      if (!isBegun) text += heading(metric, format);
      isBegun = true;
      text += `${metric.name}${row.labels.text} ${typeof value === 'bigint' ? value : numberText(value)}\n`;
      if (text.length >= PIECE) {
        yield text;
        text = '';
      }
    }
  }
  if (format === 'openmetrics') text += '# EOF\n';
  if (text !== '') yield text;
}

const CLASSIC_TYPES: Readonly<Record<MetricType, string>> = { counter: 'counter', gauge: 'gauge', info: 'gauge' };
/** OpenMetrics names a family without what its type adds to the names of its samples. */
const SUFFIXES: Readonly<Record<MetricType, RegExp | undefined>> = {
  counter: /_total$/,
  gauge: undefined,
  info: /_info$/,
};

function heading({ name, type, help }: Metric, format: MetricsFormat): string {
  const suffix = SUFFIXES[type];
  const family = format === 'openmetrics' && suffix ? name.replace(suffix, '') : name;
  const typeName = format === 'openmetrics' ? type : CLASSIC_TYPES[type];
  return `# HELP ${family} ${help}\n# TYPE ${family} ${typeName}\n`;
}

function numberText(value: number): string {
  if (Number.isFinite(value)) return String(value);
  return Number.isNaN(value) ? 'NaN' : value > 0 ? '+Inf' : '-Inf';
}
