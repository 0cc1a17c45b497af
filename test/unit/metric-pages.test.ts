/** What is made of the table of metrics is up to date, and the alerts know no other metrics. */
import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { allMetrics } from '../../lib/metrics/table.js';
import { DASHBOARD, dashboard, PAGE, withMetricTables } from '../support/metric-pages.js';

const page = readFileSync(PAGE, 'utf8');
const rules = readFileSync(new URL('tunvs.rules.yml', DASHBOARD), 'utf8');
const known = new Map(allMetrics.map((metric) => [metric.name, metric]));

const unknownNames = (text: string) => (text.match(/\btunvs_[a-z_]+/g) ?? []).filter((name) => !known.has(name));

describe('docs/metrics.md', () => {
  it('has every metric in its tables (node dist/test/support/metric-pages.js writes them)', () => {
    assert.equal(withMetricTables(page), page);
    const rows = [...page.matchAll(/^\| `([a-z_]+)` \| (?:counter|gauge|info) \|/gm)].map(([, name]) => name ?? '');
    assert.deepEqual(rows.sort(), [...known.keys()].sort());
  });

  it('names no other metrics', () => assert.deepEqual(unknownNames(page), []));

  it('says what each reason of a drop means', () => {
    assert.match(page, /^\| `no_service` \| there is no virtual service for it \|$/m);
  });
});

describe('examples/prometheus', () => {
  it('has the dashboard that the table of metrics gives (node dist/test/support/metric-pages.js writes it)', () => {
    assert.deepEqual(JSON.parse(readFileSync(DASHBOARD, 'utf8')), JSON.parse(dashboard()));
  });

  it('asks for metrics, and for values of labels, that there are', () => {
    const text = `${rules}\n${dashboard()}`;
    assert.deepEqual(unknownNames(text), []);
    const selected = [...rules.matchAll(/\b(tunvs_[a-z_]+)\{([a-z_]+)=~?"([^"]*)"/g)];
    assert.ok(selected.length > 2);
    for (const [, name = '', label = '', values = ''] of selected) {
      const metric = known.get(name);
      assert.ok(metric?.labelNames.includes(label), `${name} ${label}`);
      const meanings = metric?.meanings ?? {};
      if (label === 'reason')
        assert.deepEqual(
          values.split('|').filter((value) => !(value in meanings)),
          [],
        );
    }
  });

  it('uses only labels that its metrics, or Prometheus, have', () => {
    const labels = new Set(['instance', 'job', ...allMetrics.flatMap(({ labelNames }) => labelNames)]);
    const used = [...rules.matchAll(/\$labels\.([a-z_]+)/g)].map(([, name]) => name ?? '');
    assert.deepEqual(
      used.filter((name) => !labels.has(name)),
      [],
    );
  });
});
