/** What a metric is, whatever prints it. */
import type { Snapshot } from './snapshot.js';
import type { Row } from './label-set.js';

/** The types that are used here; `info` is a gauge in the classic format. */
export type MetricType = 'counter' | 'gauge' | 'info';

/** One metric with all of its samples. */
export interface Metric<Each extends Row = Row> {
  /** As the classic format has it: a counter ends with `_total`, an info with `_info`. */
  readonly name: string;
  readonly type: MetricType;
  /** One sentence, without a quote, a backslash or a new line. */
  readonly help: string;
  readonly labelNames: readonly string[];
  rows(snapshot: Snapshot): Iterable<Each>;
  /** Returns undefined when there is no sample of this row. */
  value(row: Each, snapshot: Snapshot): number | bigint | undefined;
  /** The values that its last label may have, with what each means, where they are known. */
  readonly meanings?: Readonly<Record<string, string>>;
}
