import { strict as assert } from 'node:assert';
import { execFileSync } from 'node:child_process';
import { Counter, Registry } from 'prom-client';
import { metricsFormats, metricsText, registerMetrics } from '../../lib/metrics/index.js';
import { readExposition, sampleMap } from '../support/exposition.js';
import { FakeHealth } from '../support/fake-health.js';
import { asOpen, measuredDirector } from '../support/measured-director.js';

/** prom-client knows no info metrics. */
const asGauges = (text: string) =>
  text
    .replace(/^# (HELP|TYPE) (tunvs_[a-z]+) (.*)$/gm, (line, kind, name, rest) =>
      ['tunvs_build', 'tunvs_device', 'tunvs_fingerprint', 'tunvs_service'].includes(name)
        ? `# ${kind} ${name}_info ${rest === 'info' ? 'gauge' : rest}`
        : line,
    )
    .replace(/^(# (HELP|TYPE) process_start|process_start).*\n/gm, '');

describe('registerMetrics', () => {
  for (const format of metricsFormats) {
    it(`gives a registry of prom-client what metricsText prints: ${format}`, async () => {
      const director = asOpen(measuredDirector());
      const registry = new Registry();
      if (format === 'openmetrics') registry.setContentType(Registry.OPENMETRICS_CONTENT_TYPE as never);
      const health = new FakeHealth();
      registerMetrics(director, registry, { health });
      const theirs = readExposition((await registry.metrics()).replace(/^\n/gm, ''), format);
      const ours = readExposition(asGauges([...metricsText(director, { format, health })].join('')), format);
      assert.deepEqual(
        theirs.map(({ name, type, help }) => ({ name, type, help })),
        ours.map(({ name, type, help }) => ({ name, type, help })),
      );
      assert.deepEqual(sampleMap(theirs), sampleMap(ours));
    });
  }

  it('reads the director once each time that the registry is asked, and not before', async () => {
    const director = measuredDirector();
    let reads = 0;
    const counted = {
      ...asOpen(director),
      stats: () => {
        reads += 1;
        return director.stats();
      },
    };
    const registry = new Registry();
    registerMetrics(counted, registry, { servers: false });
    assert.equal(reads, 0);
    const before = await registry.metrics();
    director.process(new Uint8Array(1), 1);
    const after = await registry.metrics();
    assert.equal(reads, 2);
    assert.match(before, /^tunvs_received_packets_total 3$/m);
    assert.match(after, /^tunvs_received_packets_total 4$/m);
    assert.doesNotMatch(after, /tunvs_server_/);
  });

  it('gives JSON too, keeps default labels, and is not reset with the registry', async () => {
    const registry = new Registry();
    registry.setDefaultLabels({ site: 'north' });
    registerMetrics(measuredDirector(), registry);
    registry.resetMetrics();
    assert.match(await registry.metrics(), /^tunvs_received_packets_total\{site="north"\} 3$/m);
    const json = await registry.getMetricsAsJSON();
    const received = json.find(({ name }) => name === 'tunvs_received_packets_total');
    assert.equal((received as { values?: { value: number }[] }).values?.[0]?.value, 3);
  });

  it('refuses what is no registry, and one that has a metric of the same name, without a trace', async () => {
    const director = measuredDirector();
    const refused = { code: 'ERR_TUNVS_INVALID_ARGUMENT' };
    assert.throws(() => registerMetrics(director, undefined as never), refused);
    const registry = new Registry();
    const name = 'tunvs_received_packets_total';
    registry.registerMetric(new Counter({ name, help: 'Mine.', registers: [] }));
    assert.throws(() => registerMetrics(director, registry), refused);
    assert.equal(registry.getMetricsAsArray().length, 1);
    assert.throws(() => registerMetrics(director, new Registry(), { servers: 1 as never }), refused);
  });

  it('takes them out again', async () => {
    const director = measuredDirector();
    const registry = new Registry();
    const unregister = registerMetrics(director, registry);
    assert.throws(() => registerMetrics(director, registry), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    unregister();
    assert.equal(registry.getMetricsAsArray().length, 0);
    registerMetrics(director, registry);
    await director.close();
    await assert.rejects(registry.metrics(), { code: 'ERR_TUNVS_CLOSED' });
  });

  it('needs no prom-client to be imported', () => {
    const hook = 'export function resolve(name, ...more) { if (name === "prom-client") throw new Error("not there"); ';
    const data = `data:text/javascript,${encodeURIComponent(`${hook}return more.pop()(name, ...more); }`)}`;
    const register = `import { register } from 'node:module'; register(${JSON.stringify(data)});`;
    const program = `
      import { Director } from ${JSON.stringify(new URL('../../lib/index.js', import.meta.url))};
      import { metricsText } from ${JSON.stringify(new URL('../../lib/metrics/index.js', import.meta.url))};
      const director = Director.offline({ source: '10.2.0.2', maxConnections: 1024 });
      console.log([...metricsText(director)].length, await import('prom-client').catch(({ message }) => message));
    `;
    const hooked = `data:text/javascript,${encodeURIComponent(register)}`;
    const args = ['--import', hooked, '--input-type=module', '--eval', program];
    assert.equal(execFileSync(process.execPath, args, { encoding: 'utf8' }), '1 not there\n');
  });
});
