/** News of health as lines, with the reason and the mend. */
import { strict as assert } from 'node:assert';
import { followHealth } from '../../lib/cli/run/log-health.js';
import type { Running } from '../../lib/daemon/daemon.js';
import { HealthSlot } from '../../lib/health/view.js';
import type { Log } from '../../lib/daemon/log.js';
import { FakeHealth } from '../support/fake-health.js';
import { measuredDirector } from '../support/measured-director.js';

interface Told {
  lines: string[];
  json: string[];
  monitor: FakeHealth;
  end(): Promise<void>;
}

function following({ isJson = false, hasLog = true } = {}): Told {
  const slot = new HealthSlot();
  const [lines, json]: string[][] = [[], []];
  const io = { stdout: { write: (text: string) => json?.push(text) } };
  const attached = followHealth(slot, {
    tell: (level, event, sentence) => lines?.push(`${level} ${event}: ${sentence}`),
    log: hasLog ? ({} as Log) : undefined,
    io: io as never,
    isJson,
  })({} as Running);
  const monitor = new FakeHealth();
  slot.fill(monitor);
  return { lines: lines as string[], json: json as string[], monitor, end: async () => attached.end?.() };
}

describe('news of health in the log of tunvs run', () => {
  const director = measuredDirector();
  const service = director.virtualServices[0];
  const server = service?.realServers[0];
  if (!service || !server) throw new Error('there is no server');
  after(() => director.close());
  const about = { service, server, at: 0, check: 'http' };

  it('is one line for each change, with its level', async () => {
    const { lines, monitor, end } = following();
    monitor.emit('server', { ...about, isUp: true, isFirst: true, message: 'status 200' });
    monitor.emit('server', { ...about, isUp: false, isFirst: false, message: 'timeout', mend: 'Start the server.' });
    monitor.emit('server', { ...about, isUp: true, isFirst: false, message: 'status 200' });
    monitor.emit('quorum', { service, isUp: false, weight: 1, quorum: 2, sorryServers: 1, at: 0 });
    monitor.emit('warning', { ...about, message: 'the certificate expires in 3 days' });
    const name = `real server 10.3.0.11:80 of tcp 192.0.2.1:80`;
    assert.deepEqual(lines, [
      `debug health.server: ${name} is up: status 200`,
      `warn health.server: ${name} is down, timeout: Start the server`,
      `info health.server: ${name} is up: status 200`,
      'error health.quorum: tcp 192.0.2.1:80 has lost its quorum: the weights of its live servers are 1 of 2, ' +
        'and 1 sorry server took over',
      `warn health.warning: ${name}: http: the certificate expires in 3 days`,
    ]);
    await end();
    assert.equal(monitor.listenerCount('server'), 0);
  });

  it('is on standard error without a log, but for servers that are up from the start', () => {
    const { lines, monitor } = following({ hasLog: false });
    monitor.emit('server', { ...about, isUp: true, isFirst: true, message: 'status 200' });
    assert.deepEqual(lines, []);
    monitor.emit('late', { checks: 3, latestMs: 120.4, busyMs: 0 });
    assert.match(
      lines[0] ?? '',
      /^warn health\.late: 3 checks began late, by 120 ms at most, because too many were under way: raise health\.atOnce/,
    );
  });

  it('is an object with --json', () => {
    const { lines, json, monitor } = following({ isJson: true, hasLog: false });
    monitor.emit('failOpen', { service, isOpen: true, failing: 2, of: 2, at: 5 });
    assert.deepEqual(lines, []);
    assert.deepEqual(JSON.parse(json[0] ?? ''), {
      ...{ event: 'health', about: 'failOpen', isOpen: true, failing: 2, of: 2, at: 5 },
      service: 'tcp 192.0.2.1:80',
    });
  });
});
