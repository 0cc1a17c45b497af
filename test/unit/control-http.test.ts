/** The control API as HTTP: rights, methods, types, limits and problems. */
import { strict as assert } from 'node:assert';
import { Validator } from '@seriousme/openapi-schema-validator';
import { routes } from '../../lib/control/routes/index.js';
import { HealthSlot } from '../../lib/health/view.js';
import { FakeHealth } from '../support/fake-health.js';
import { type TestedApi, testedApi } from '../support/control.js';

/** A path of each route, where nothing is configured. */
const pathOf = (path: string) => path.replace('{service}', 'tcp:192.0.2.1:80').replace('{server}', '10.3.0.11:80');

const NDJSON = { headers: { accept: 'application/x-ndjson' } };

describe('the control API in HTTP', () => {
  let api: TestedApi;

  beforeEach(() => {
    api = testedApi({ limits: { bodyBytes: 1000 }, health: new HealthSlot(new FakeHealth()) });
  });
  afterEach(() => api.director.close());

  for (const { method, path, access } of routes) {
    const title = `${method.toUpperCase()} ${path}`;
    if (access !== 'none')
      it(`asks who it is for ${title}`, async () => {
        const refused = await api.ask(method.toUpperCase(), pathOf(path), undefined, { access: 'none' });
        assert.deepEqual([refused.status, refused.json.code], [401, 'ERR_TUNVS_PERMISSION']);
        assert.match(refused.headers.get('www-authenticate') ?? '', /^Bearer/);
      });
    if (access === 'write')
      it(`does not let a reader ${title}`, async () => {
        assert.equal((await api.ask(method.toUpperCase(), pathOf(path), undefined, { access: 'read' })).status, 403);
      });
    if (path.includes('{service}') && method !== 'put')
      it(`answers 404 with what there is, or a refusal, for ${title} without its service`, async () => {
        const body =
          method === 'post' || method === 'patch'
            ? path.endsWith('/servers')
              ? { address: '10.3.0.1' }
              : {}
            : undefined;
        const missing = await api.ask(method.toUpperCase(), pathOf(path), body);
        assert.equal(missing.status, 404);
        assert.match(missing.json.detail, /there is no virtual service tcp:192\.0\.2\.1:80: there is none yet/);
      });
  }

  for (const path of new Set(routes.map((each) => each.path))) {
    const methods = routes.filter((each) => each.path === path).map(({ method }) => method.toUpperCase());
    it(`names the methods of ${path}`, async () => {
      const options = await api.ask('OPTIONS', pathOf(path), undefined, { access: 'none' });
      assert.equal(options.status, 204);
      for (const method of methods) assert.ok(options.headers.get('allow')?.split(', ').includes(method));
      const other = await api.ask('PROPFIND', pathOf(path));
      assert.deepEqual([other.status, other.headers.get('allow')], [405, options.headers.get('allow')]);
    });
  }

  it('answers HEAD as GET, without the body', async () => {
    for (const path of ['/health', '/v1/services', '/v1/events', '/v1/connections']) {
      const head = await api.ask('HEAD', path);
      assert.deepEqual([head.status, head.text], [200, ''], path);
    }
  });

  it('refuses what it cannot read, each with its status', async () => {
    const json = { 'content-type': 'application/json' };
    const cases: [status: number, method: string, path: string, body?: unknown, headers?: Record<string, string>][] = [
      [400, 'POST', '/v1/services', '{"a":'],
      [400, 'POST', '/v1/services'],
      [400, 'GET', '/v1/services?x=1'],
      [400, 'GET', '/v1/connections?limit=1&limit=2'],
      [400, 'GET', '/v1/connections?limit=x'],
      [404, 'GET', '/v2/services'],
      [404, 'GET', '/v1/services/web'],
      [404, 'GET', '/v1/services/%zz'],
      [404, 'GET', '/v1/services/tcp:192.0.2.1:99999'],
      [404, 'GET', '/v1/config'],
      [404, 'GET', '/metrics'],
      [404, 'POST', '/v1/reload', {}],
      [404, 'POST', '/v1/ipvsadm', { argv: ['-L'] }],
      [406, 'GET', '/v1/services', undefined, { accept: 'text/html' }],
      [406, 'GET', '/v1/services', undefined, { accept: 'application/json;q=0' }],
      [413, 'POST', '/v1/services', { address: 'x'.repeat(2000) }],
      [415, 'POST', '/v1/services', '<a/>', { 'content-type': 'text/xml' }],
      [422, 'POST', '/v1/services', []],
      [422, 'POST', '/v1/services', { protocol: 'icmp' }],
      [422, 'POST', '/v1/services', {}],
      [422, 'POST', '/v1/services', { protocol: 'tcp', address: '224.0.0.1', port: 80 }, json],
      [422, 'PATCH', '/v1/sysctls', { no_such: 1 }],
      [422, 'PUT', '/v1/marks', { marks: [{ mark: 0 }] }],
    ];
    for (const [status, method, path, body, headers] of cases) {
      const said = await api.ask(method, path, body, headers && { headers });
      const what = `${method} ${path} ${JSON.stringify(body)}`;
      assert.equal(said.status, status, `${what}: ${said.text}`);
      assert.equal(said.headers.get('content-type'), 'application/problem+json', what);
      assert.equal(said.json.status, status);
      assert.match(said.json.code, /^ERR_TUNVS_/);
      assert.match(said.json.type, /^https:.*#[a-z-]+$/);
    }
  });

  it('names every mistake by its JSON pointer', async () => {
    const said = await api.ask('POST', '/v1/services', { port: 'x', 'a/b': 1, realServers: [{ address: 1 }] });
    assert.deepEqual(said.json.errors.map((each: { pointer: string }) => each.pointer).sort(), [
      '#/a~1b',
      '#/port',
      '#/realServers/0/address',
    ]);
  });

  it('says 503 where the director is closed', async () => {
    await api.director.close();
    for (const path of ['/health', '/v1/services', '/v1/status']) {
      const said = await api.ask('GET', path);
      assert.deepEqual([said.status, said.json.code], [503, 'ERR_TUNVS_CLOSED'], path);
    }
  });

  it('sets sysctls all together or not at all', async () => {
    const before = api.director.sysctls.expire_nodest_conn;
    const refused = await api.ask('PATCH', '/v1/sysctls', { expire_nodest_conn: 1, sync_period: -5, nope: 1 });
    assert.equal(refused.status, 422);
    assert.equal(api.director.sysctls.expire_nodest_conn, before);
    assert.equal((await api.ask('PATCH', '/v1/sysctls', { expire_nodest_conn: 1 })).json.expire_nodest_conn, 1);
  });

  it('shows settings and figures', async () => {
    assert.equal((await api.ask('PATCH', '/v1/timeouts', { tcp: 77 })).json.states.established, 77);
    assert.deepEqual((await api.ask('PUT', '/v1/marks', { marks: [{ mark: 3 }] })).json, { marks: [{ mark: 3 }] });
    assert.deepEqual((await api.ask('GET', '/v1/marks')).json, { marks: [{ mark: 3 }] });
    assert.equal((await api.ask('GET', '/v1/status')).json.table.ipv4, 0);
    assert.equal((await api.ask('GET', '/v1/counters')).json.table.ipv4, 0);
    assert.equal((await api.ask('GET', '/v1/director')).json.name, 'test');
    assert.equal((await api.ask('GET', '/v1/stats')).json.services.length, 0);
    assert.equal((await api.ask('POST', '/v1/zero')).status, 204);
  });

  it('answers as its schemas say', async () => {
    const realServers = [{ address: '10.3.0.11' }];
    api.director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    await api.ask('PUT', '/v1/services/tcp:192.0.2.1:80', { persistence: {}, realServers });
    for (const { method, path, answers } of routes) {
      const schema = answers[200]?.schema;
      if (method !== 'get' || !schema || path === '/v1/config') continue;
      const said = await api.ask('GET', pathOf(path));
      const parsed = schema.safeParse(said.json);
      assert.ok(parsed.success, `${path}: ${parsed.error?.message}`);
      assert.deepEqual(parsed.data, said.json, `${path} has what its schema does not name`);
    }
  });

  it('describes itself as a valid OpenAPI document that has every route', async () => {
    const { json } = await api.ask('GET', '/v1/openapi.json', undefined, { access: 'none' });
    const { valid, errors } = await new Validator().validate(json);
    assert.ok(valid, JSON.stringify(errors));
    for (const { method, path } of routes) assert.ok(json.paths[path][method].operationId, `${method} ${path}`);
  });

  it('opens no stream for HEAD', async () => {
    const few = testedApi({ limits: { streams: 1 } });
    try {
      for (let count = 0; count < 3; count++)
        assert.equal((await few.ask('HEAD', '/v1/connections', undefined, NDJSON)).status, 200);
      assert.equal((await few.ask('GET', '/v1/connections', undefined, NDJSON)).status, 200);
    } finally {
      await few.director.close();
    }
  });

  it('answers with the first of the types that Accept names', async () => {
    const typeOf = async (accept: string) =>
      (await api.ask('GET', '/v1/connections', undefined, { headers: { accept } })).headers.get('content-type');
    assert.equal(await typeOf('application/json, application/x-ndjson'), 'application/json');
    assert.equal(await typeOf('application/x-ndjson, application/json'), 'application/x-ndjson');
  });
});
