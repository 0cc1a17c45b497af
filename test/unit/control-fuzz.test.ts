/** The control API takes whatever is sent: never a fault of its own, never a director that is stuck. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { openapiDocument } from '../../lib/control/router/openapi.js';
import { routes } from '../../lib/control/routes/index.js';
import { PROBLEM_MEDIA } from '../../lib/control/problem.js';
import { testedApi } from '../support/control.js';
import { anyText, bent, fitting } from '../support/schema-arbitrary.js';

/** More by the environment. */
const RUNS = Number(process.env.TUNVS_FUZZ_RUNS ?? 2000);

interface Operation {
  requestBody?: { content: Record<string, { schema: object }> };
  parameters?: { name: string; in: string; schema: object }[];
}

const document = openapiDocument(routes) as unknown as {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, object> };
};

const components = document.components.schemas;

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ path, method, operation })),
);

const SERVICES = ['tcp:192.0.2.1:80', 'tcp:[2001:db8::1]:443', 'udp:192.0.2.1:5000-5010', 'mark:7', 'mark6:7'];
const part = (usual: string[]) =>
  fc.oneof(
    { weight: 6, arbitrary: fc.constantFrom(...usual) },
    { weight: 1, arbitrary: anyText.map((text) => encodeURIComponent(Buffer.from(text).toString())) },
    { weight: 1, arbitrary: fc.constantFrom('%', '%zz', '%00', '%2F', '%F0%28', '..%2f..', '%25') },
  );

const condition = fc.constantFrom('', '*', '"x"', 'W/"x"', '"', ',,,', 'x'.repeat(5000));
const accept = fc.constantFrom('', '*/*', 'application/json', 'text/html', ';;q', 'application/x-ndjson', ',');

const requests = fc.constantFrom(...operations).chain(({ path, method, operation }) => {
  const schema = operation.requestBody?.content['application/json']?.schema;
  const fits = schema ? fitting(schema, components) : fc.constant(undefined);
  const json = fits.map((value) => JSON.stringify(value));
  const body = fc.oneof(
    { weight: 6, arbitrary: json },
    { weight: 4, arbitrary: bent(fits).map((value) => JSON.stringify(value)) },
    { weight: 1, arbitrary: fc.jsonValue().map((value) => JSON.stringify(value)) },
    {
      weight: 1,
      arbitrary: fc.constantFrom('', '{', '[[[[', '"\\ud800"', '{"__proto__":{"a":1}}', '1e999', '['.repeat(9999)),
    },
  );
  const queries = operation.parameters?.filter((each) => each.in === 'query').map(({ name }) => name) ?? [];
  const query = fc.dictionary(fc.constantFrom('strange', ...queries), anyText, { maxKeys: 2 });
  return fc.record({
    method: fc.oneof({ weight: 20, arbitrary: fc.constant(method) }, { weight: 1, arbitrary: fc.constant('delete') }),
    path: fc
      .tuple(part(SERVICES), part(['10.3.0.11:80', '[2001:db8:3::11]:443', '10.3.0.12']))
      .map(([service, server]) => path.replace('{service}', service).replace('{server}', server)),
    query: fc.oneof({ weight: 3, arbitrary: fc.constant({}) }, { weight: 1, arbitrary: query }),
    body,
    headers: fc.record(
      { 'if-match': condition, 'if-none-match': condition, accept, 'last-event-id': condition },
      { requiredKeys: [] },
    ),
  });
});

type Asked = typeof requests extends fc.Arbitrary<infer Value> ? Value : never;

describe('the control API under fuzz', () => {
  it(`answers ${RUNS} valid, nearly valid and hostile requests, and goes on`, async function () {
    this.timeout(60_000 + RUNS * 50);
    const execute = async function* () {
      yield { exit: 0 };
    };
    const api = testedApi({
      execute,
      reload: async () => ({ changes: [] }),
      spec: () => ({}),
      metrics: () => ['up 1\n'],
    });
    const statuses = new Map<number, number>();
    const late: Promise<void>[] = [];
    const check = async ({ method, path, query, body, headers }: Asked) => {
      const given = Object.fromEntries(Object.entries(headers).filter(([, value]) => value !== ''));
      const hasBody = body !== undefined && method !== 'get';
      const names = Object.entries(query).map(([name, value]) => [name, Buffer.from(`${value}`).toString()]);
      const text = names.length > 0 ? `?${new URLSearchParams(Object.fromEntries(names))}` : '';
      const request = new Request(`http://tunvs${path}${text}`, {
        method: method.toUpperCase(),
        headers: { ...given, ...(hasBody && { 'content-type': 'application/json' }) },
        ...(hasBody && { body }),
      });
      const response = await api.app.fetch(request, 'write');
      statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1);
      if (path === '/v1/events') await response.body?.cancel();
      const said = path === '/v1/events' ? '' : await response.text();
      assert.ok(response.status < 500, `${response.status}: ${said}`);
      if (response.status >= 400) assert.equal(response.headers.get('content-type'), PROBLEM_MEDIA);
    };
    try {
      await fc.assert(
        fc.asyncProperty(requests, async (request) => {
          const checked = check(request);
          // The status takes half a second, in which the other requests go on.
          if (request.path === '/v1/status') late.push(checked);
          else await checked;
          if (api.director.virtualServices.length > 20) api.director.clear();
          assert.deepEqual(Object.keys(Object.prototype), []);
        }),
        { numRuns: RUNS },
      );
      await Promise.all(late);
      assert.deepEqual(api.faults, []);
      assert.equal((await api.ask('GET', '/v1/status')).status, 200);
      // The requests reach what they are for: many are carried out, and many are refused.
      const done = [...statuses].filter(([status]) => status < 300).reduce((sum, [, count]) => sum + count, 0);
      assert.ok(done > RUNS / 10 && done < RUNS, `${done} of ${RUNS} were carried out`);
      for (const status of [200, 400, 404, 412, 422]) assert.ok(statuses.has(status), `never ${status}`);
    } finally {
      api.app.close();
      await api.director.close();
    }
  });
});
