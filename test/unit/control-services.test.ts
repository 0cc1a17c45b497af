/** Services and real servers through the control API. */
import { strict as assert } from 'node:assert';
import { Versions } from '../../lib/control/resource/versions.js';
import type { ServerJson } from '../../lib/control/schema/server.js';
import type { Director } from '../../lib/director/director.js';
import { type TestedApi, testedApi } from '../support/control.js';

const WEB = '/v1/services/tcp:192.0.2.1:80';
const web = { protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wrr' };

describe('the control API: services', () => {
  let api: TestedApi;

  beforeEach(() => {
    api = testedApi();
  });
  afterEach(() => api.director.close());

  for (const [id, key] of [
    ['tcp:192.0.2.1:80', web],
    ['tcp:[2001:db8::1]:443', { protocol: 'tcp', address: '2001:DB8::1', port: 443 }],
    ['udp:192.0.2.0/28:5000-5010', { protocol: 'udp', address: '192.0.2.0/28', port: 5000, lastPort: 5010 }],
    ['sctp:[2001:db8::/64]:36412', { protocol: 'sctp', address: '2001:db8::/64', port: 36412 }],
    ['mark:7', { mark: 7 }],
    ['mark6:7', { mark: 7, family: 6 }],
  ] as const) {
    it(`adds, finds and deletes the service ${id}`, async () => {
      const added = await api.ask('POST', '/v1/services', key);
      assert.equal(added.status, 201);
      assert.equal(added.json.id, id);
      const path = added.headers.get('location') as string;
      for (const each of [path, `/v1/services/${encodeURIComponent(id)}`]) {
        const found = await api.ask('GET', each);
        assert.deepEqual([found.status, found.json.id], [200, id], each);
      }
      assert.equal((await api.ask('DELETE', path)).status, 204);
      assert.equal((await api.ask('GET', path)).status, 404);
    });
  }

  it('takes back what it has shown: a service that is put as it was read is not changed', async () => {
    const server = { address: '10.3.0.11', weight: 2, forwarding: 'gue', tunnelPort: 6080 };
    await api.ask('POST', '/v1/services', { ...web, persistence: {}, realServers: [server, { address: '10.3.0.12' }] });
    const read = await api.ask('GET', WEB);
    const put = await api.ask('PUT', WEB, read.json, { headers: { 'if-match': read.headers.get('etag') as string } });
    assert.equal(put.status, 200);
    assert.deepEqual(put.json, read.json);
    assert.equal(put.headers.get('etag'), read.headers.get('etag'));
  });

  it('makes a service whole by PUT: defaults come back, servers go, and those that stay keep order and health', async () => {
    const realServers = ['11', '12', '13'].map((last) => ({ address: `10.3.0.${last}`, weight: 3 }));
    assert.equal((await api.ask('PUT', WEB, { scheduler: 'wrr', realServers })).status, 201);
    await api.ask('PATCH', `${WEB}/servers/10.3.0.13:80`, { isUp: false });
    const put = await api.ask('PUT', WEB, { realServers: [{ address: '10.3.0.13' }, { address: '10.3.0.11' }] });
    assert.equal(put.status, 200);
    assert.equal(put.json.scheduler, 'wlc');
    const seen = (put.json.realServers as ServerJson[]).map(({ address, weight, isUp }) => [address, weight, isUp]);
    assert.deepEqual(seen, [
      ['10.3.0.11', 1, true],
      ['10.3.0.13', 1, false],
    ]);
  });

  it('adds a service with its servers, or nothing', async () => {
    const bad = await api.ask('POST', '/v1/services', {
      ...web,
      realServers: [{ address: '10.3.0.1' }, { address: 'x' }],
    });
    assert.deepEqual([bad.status, bad.json.code], [422, 'ERR_TUNVS_INVALID_ARGUMENT']);
    assert.deepEqual(api.director.virtualServices, []);
  });

  it('adds, edits, shows and deletes real servers', async () => {
    await api.ask('POST', '/v1/services', web);
    const added = await api.ask('POST', `${WEB}/servers`, { address: '10.3.0.11' });
    assert.equal(added.status, 201);
    const path = added.headers.get('location') as string;
    assert.equal(path, `${WEB}/servers/10.3.0.11:80`);
    assert.equal((await api.ask('POST', `${WEB}/servers`, { address: '10.3.0.11' })).status, 409);
    assert.equal((await api.ask('PATCH', path, { weight: 7 })).json.weight, 7);
    assert.equal((await api.ask('PUT', path, {})).json.weight, 1);
    assert.equal((await api.ask('PUT', `${WEB}/servers/[2001:db8:3::1]:80`, {})).status, 201);
    assert.equal((await api.ask('GET', `${path}/stats`)).json.effectiveWeight, 1);
    const listed = await api.ask('GET', `${WEB}/servers`);
    assert.deepEqual(
      listed.json.servers.map((each: { address: string }) => each.address),
      ['10.3.0.11', '2001:db8:3::1'],
    );
    assert.equal((await api.ask('DELETE', path)).status, 204);
    const gone = await api.ask('GET', path);
    assert.equal(gone.status, 404);
    assert.match(gone.json.detail, /has no real server 10\.3\.0\.11:80: there is \[2001:db8:3::1\]:80$/);
  });

  it('lets the second of two writers know that the first was there', async () => {
    await api.ask('POST', '/v1/services', { ...web, realServers: [{ address: '10.3.0.11' }] });
    const read = await api.ask('GET', WEB);
    const headers = { 'if-match': read.headers.get('etag') as string };
    assert.equal((await api.ask('PATCH', WEB, { scheduler: 'rr' }, { headers })).status, 200);
    const late = await api.ask('PATCH', WEB, { scheduler: 'lc' }, { headers });
    assert.deepEqual([late.status, late.json.code], [412, 'ERR_TUNVS_CHANGED']);
    assert.equal(api.director.virtualServices[0]?.scheduler, 'rr');
    assert.equal((await api.ask('PATCH', WEB, { scheduler: 'lc' })).status, 200);
  });

  it('gives a service another version when a server of it changes, by whomever, and only then', async () => {
    await api.ask('POST', '/v1/services', {
      ...web,
      realServers: [{ address: '10.3.0.11' }, { address: '10.3.0.12' }],
    });
    const tags = async () =>
      Promise.all(
        [WEB, `${WEB}/servers/10.3.0.11:80`, `${WEB}/servers/10.3.0.12:80`, '/v1/services'].map(async (path) =>
          (await api.ask('GET', path)).headers.get('etag'),
        ),
      );
    const before = await tags();
    assert.deepEqual(await tags(), before);
    const [server] = api.director.virtualServices[0]?.realServers ?? [];
    if (server) server.weight = 5;
    const after = await tags();
    assert.deepEqual(
      after.map((tag, at) => tag === before[at]),
      [false, false, true, false],
    );
    api.director.setTimeouts({ udp: 17 });
    assert.notEqual((await tags())[3], after[3]);
  });

  it('sends nothing to a reader that has this version', async () => {
    await api.ask('POST', '/v1/services', web);
    const etag = (await api.ask('GET', WEB)).headers.get('etag') as string;
    for (const tag of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const again = await api.ask('GET', WEB, undefined, { headers: { 'if-none-match': tag } });
      assert.deepEqual([again.status, again.text, again.headers.get('etag')], [304, '', etag], tag);
    }
    assert.equal((await api.ask('GET', WEB, undefined, { headers: { 'if-none-match': '"other"' } })).status, 200);
  });

  it('adds by PUT only what is not there when If-None-Match says so', async () => {
    const headers = { 'if-none-match': '*' };
    assert.equal((await api.ask('PUT', WEB, { realServers: [] }, { headers })).status, 201);
    assert.equal((await api.ask('PUT', WEB, { realServers: [] }, { headers })).status, 412);
  });
});

describe('the control API: transactions', () => {
  let api: TestedApi;

  beforeEach(() => {
    api = testedApi();
  });
  afterEach(() => api.director.close());

  const changes = [
    { op: 'addService', value: web },
    { op: 'addServer', service: 'tcp:192.0.2.1:80', value: { address: '10.3.0.11' } },
    { op: 'putServer', service: 'tcp:192.0.2.1:80', server: '10.3.0.12', value: { weight: 4 } },
    { op: 'editServer', service: 'tcp:192.0.2.1:80', server: '10.3.0.11:80', value: { weight: 3 } },
    { op: 'setMarks', value: { marks: [{ mark: 1, destination: '192.0.2.0/28' }] } },
  ];

  it('makes all changes', async () => {
    assert.equal((await api.ask('POST', '/v1/transaction', { changes })).status, 200);
    assert.deepEqual(
      api.director.virtualServices[0]?.realServers.map(({ weight }) => weight),
      [3, 4],
    );
    assert.equal(api.director.marks.length, 1);
  });

  it('makes none when one is refused, and names it', async () => {
    const more = [...changes, { op: 'deleteServer', service: 'tcp:192.0.2.1:80', server: '10.3.0.99:80' }];
    const refused = await api.ask('POST', '/v1/transaction', { changes: more });
    assert.equal(refused.status, 404);
    assert.equal(refused.json.errors[0].pointer, '#/changes/5');
    assert.deepEqual([api.director.virtualServices, api.director.marks], [[], []]);
  });

  it('only checks in a dry run', async () => {
    const { etag } = Object.fromEntries((await api.ask('GET', '/v1/services')).headers);
    const dry = await api.ask('POST', '/v1/transaction', { changes, dryRun: true });
    assert.deepEqual([dry.status, dry.json], [200, { isDryRun: true, changes: 5 }]);
    assert.deepEqual(api.director.virtualServices, []);
    assert.equal((await api.ask('GET', '/v1/services')).headers.get('etag'), etag);
  });

  it('refuses in a dry run what the engine alone can refuse, beside what is there already', async () => {
    await api.ask('POST', '/v1/transaction', { changes });
    const [service] = api.director.virtualServices;
    service?.addRealServer({ address: '192.0.2.1', forwarding: 'local' });
    const value = { scheduler: 'maglev', schedulerOptions: { tableSize: 1000 } };
    const edit = { op: 'editService', service: 'tcp:192.0.2.1:80', value };
    const real = await api.ask('POST', '/v1/transaction', { changes: [edit] });
    const dry = await api.ask('POST', '/v1/transaction', { changes: [edit], dryRun: true });
    assert.deepEqual([dry.status, dry.json], [real.status, real.json]);
    assert.equal(dry.status, 422);
    const good = { ...edit, value: { scheduler: 'maglev', schedulerOptions: { tableSize: 251 } } };
    assert.equal((await api.ask('POST', '/v1/transaction', { changes: [good], dryRun: true })).status, 200);
    assert.equal(service?.scheduler, 'wrr');
  });

  it('makes none when the configuration is another than the one that was read', async () => {
    const headers = { 'if-match': (await api.ask('GET', '/v1/services')).headers.get('etag') as string };
    api.director.addVirtualService({ mark: 3 });
    assert.equal((await api.ask('POST', '/v1/transaction', { changes }, { headers })).status, 412);
    assert.equal(api.director.virtualServices.length, 1);
  });

  it('sets the health that a server is put with, and leaves it where it is left out', async () => {
    await api.ask('POST', '/v1/services', { ...web, realServers: [{ address: '10.3.0.11' }] });
    const path = `${WEB}/servers/10.3.0.11:80`;
    assert.equal((await api.ask('PUT', path, { isUp: false })).json.isUp, false);
    assert.equal((await api.ask('PUT', path, { weight: 2 })).json.isUp, false);
    assert.equal((await api.ask('PUT', path, { isUp: true })).json.isUp, true);
  });

  it('takes the tunnel port 0 that statistics show of a server without one', async () => {
    await api.ask('POST', '/v1/services', { ...web, realServers: [{ address: '10.3.0.11' }] });
    const path = `${WEB}/servers/10.3.0.11:80`;
    const { tunnelPort } = (await api.ask('GET', `${path}/stats`)).json;
    assert.equal(tunnelPort, 0);
    for (const method of ['PUT', 'PATCH'])
      assert.equal((await api.ask(method, path, { weight: 2, tunnelPort })).status, 200, method);
  });

  it('has the same version while an automatic defence goes on and off', () => {
    const sysctls: Record<string, number> = {};
    const listened = { on() {}, off() {}, marks: [], stateTimeouts: {}, sysctls };
    const versions = new Versions(listened as unknown as Director);
    const [off, on, always] = [1, 2, 3].map((value) => {
      sysctls.drop_entry = value;
      return versions.whole;
    });
    assert.equal(off, on);
    assert.notEqual(on, always);
  });
});
