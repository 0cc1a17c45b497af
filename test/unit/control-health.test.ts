/** What the control API shows of health. */
import { strict as assert } from 'node:assert';
import type { LoggedEvent } from '../../lib/control/resource/event-log.js';
import { EventLog } from '../../lib/control/resource/event-log.js';
import { StatusReader } from '../../lib/daemon/status-reader.js';
import type { VirtualService } from '../../lib/director/virtual-service.js';
import { HealthSlot } from '../../lib/health/view.js';
import { type TestedApi, testedApi } from '../support/control.js';
import { AT, FakeHealth } from '../support/fake-health.js';

const WEB = '/v1/services/tcp:192.0.2.1:80';

describe('the control API and health', () => {
  let monitor: FakeHealth;
  let slot: HealthSlot;
  let api: TestedApi;
  let web: VirtualService;

  beforeEach(() => {
    monitor = new FakeHealth(['10.3.0.12']);
    slot = new HealthSlot();
    api = testedApi({ health: slot });
    web = api.director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' });
    web.addRealServer({ address: '10.3.0.11' });
    web.addRealServer({ address: '10.3.0.12' });
  });
  afterEach(() => api.director.close());

  it('shows nothing while nobody checks, and the mend', async () => {
    assert.deepEqual((await api.ask('GET', '/v1/health')).json, { services: [] });
    const { status, json } = await api.ask('GET', `${WEB}/servers/10.3.0.12/health`);
    assert.equal(status, 404);
    assert.match(
      json.detail,
      /the servers of tcp 192\.0\.2\.1:80 are not checked: write health into the configuration/,
    );
  });

  it('shows a server with its last results, a service, and all of them', async () => {
    slot.fill(monitor);
    const { json } = await api.ask('GET', `${WEB}/servers/10.3.0.12/health`);
    assert.deepEqual(
      [json.state, json.message, json.mend, json.checks[0].failures, json.checks[0].results[0].at],
      ['down', 'http: status 503', 'Look at the log of the web server.', 3, AT],
    );
    const service = (await api.ask('GET', `${WEB}/health`)).json;
    assert.deepEqual([service.name, service.weight, service.servers.length], ['tcp 192.0.2.1:80', 1, 2]);
    const [all] = (await api.ask('GET', '/v1/health')).json.services;
    assert.deepEqual(all.servers[1].last, { at: AT, passed: false, durationMs: 250, message: 'http: status 503' });
  });

  it('checks a server now', async () => {
    slot.fill(monitor);
    const { status, json } = await api.ask('POST', `${WEB}/servers/10.3.0.12/check`);
    assert.deepEqual([status, json.state, monitor.asked], [202, 'down', ['10.3.0.12']]);
  });

  it('says in an explanation who is not chosen, and why', async () => {
    slot.fill(monitor);
    const flow = { clientAddress: '198.51.100.7', clientPort: 40000, virtualAddress: '192.0.2.1', virtualPort: 80 };
    const { json } = await api.ask('POST', '/v1/explain', { protocol: 'tcp', ...flow });
    assert.deepEqual(json.notChosen, ['10.3.0.12:80 is down since 12:03:11 (http: status 503)']);
    assert.match(json.text, /\. Not chosen: 10\.3\.0\.12:80 is down since 12:03:11 \(http: status 503\)\.$/);
  });

  it('has the state of each server in the status', async () => {
    slot.fill(monitor);
    const reader = new StatusReader(api.director, { name: 'a', version: '1', intervalMs: 1, health: slot });
    const [service] = (await reader.read()).services;
    const states = service?.servers.map(({ state, health }) => [state, health?.message]);
    assert.deepEqual(states, [
      ['up', undefined],
      ['down', 'http: status 503'],
    ]);
    assert.equal(service?.health?.quorum, 1);
    reader.close();
  });

  it('tells news as events, also of a monitor that is made later', async () => {
    const log = new EventLog(api.director, slot);
    const told = log.after(undefined, 1000, AbortSignal.timeout(1000));
    slot.fill(monitor);
    const [server] = web.realServers.slice(-1);
    assert.ok(server);
    const news = { isUp: false, isFirst: false, message: 'http: status 503', mend: 'Start it.', at: AT };
    monitor.emit('server', { service: web, server, ...news, check: 'http', reason: 'wrong answer' });
    const { value } = await told.next();
    const { event, data } = value as LoggedEvent;
    assert.equal(event, 'health');
    assert.deepEqual(data, {
      ...{ about: 'server', ...news, check: 'http', reason: 'wrong answer' },
      ...{ service: 'tcp:192.0.2.1:80', server: '10.3.0.12:80' },
      sentence: 'real server 10.3.0.12:80 of tcp 192.0.2.1:80 is down, http: status 503: Start it',
    });
    log.close();
    assert.ok(monitor.listenerCount('server') > 0, 'the application listens still');
    api.app.close();
    assert.equal(monitor.listenerCount('server'), 0);
  });
});
