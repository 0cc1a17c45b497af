/** A transaction of the control API: tables, marks, timeouts and sysctls, all of them or none. */
import { strict as assert } from 'node:assert';
import { type TestedApi, testedApi } from '../support/control.js';

const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 };

describe('the control API: a transaction of everything', () => {
  let api: TestedApi;
  beforeEach(() => {
    api = testedApi();
  });
  afterEach(() => api.director.close());

  const everything = [
    { op: 'addService', value: { ...web, realServers: [{ address: '10.3.0.11' }] } },
    { op: 'setMarks', value: { marks: [{ mark: 7, protocol: 'tcp', port: 443 }] } },
    { op: 'setTimeouts', value: { tcp: 77, synRecv: 9 } },
    { op: 'setSysctls', value: { 'net.ipv4.vs.conn_reuse_mode': 0, expire_nodest_conn: 1 } },
  ];
  const state = () => ({
    services: api.director.virtualServices.length,
    marks: api.director.marks.length,
    tcp: api.director.timeouts.tcp,
    synRecv: api.director.stateTimeouts.synRecv,
    reuse: api.director.sysctls.conn_reuse_mode,
    nodest: api.director.sysctls.expire_nodest_conn,
  });

  it('brings all of it into force', async () => {
    assert.equal((await api.ask('POST', '/v1/transaction', { changes: everything })).status, 200);
    assert.deepEqual(state(), { services: 1, marks: 1, tcp: 77, synRecv: 9, reuse: 0, nodest: 1 });
  });

  for (const [name, bad] of [
    [
      'a server of a service that is not there',
      { op: 'deleteServer', service: 'tcp:192.0.2.9:80', server: '10.3.0.1' },
    ],
    ['a sysctl that there is none of', { op: 'setSysctls', value: { conn_reuse_mode: 1, nonesuch: 1 } }],
    ['a sysctl out of range', { op: 'setSysctls', value: { expire_nodest_conn: 0, conn_reuse_mode: -7 } }],
  ] as const)
    it(`leaves all of it as it was for ${name}, and says which change it is`, async () => {
      const before = state();
      const refused = await api.ask('POST', '/v1/transaction', { changes: [...everything, bad] });
      assert.ok(refused.status >= 400 && refused.status < 500, refused.text);
      assert.match(refused.json.detail, /^change 4 of the list: /);
      assert.deepEqual(state(), before);
      assert.deepEqual(api.faults, []);
    });

  it('only tries it out when that is asked for', async () => {
    const before = state();
    assert.equal((await api.ask('POST', '/v1/transaction', { changes: everything, dryRun: true })).status, 200);
    assert.deepEqual(state(), before);
    const bad = { op: 'setSysctls', value: { nonesuch: 1 } };
    const refused = await api.ask('POST', '/v1/transaction', { changes: [...everything, bad], dryRun: true });
    assert.match(refused.json.detail, /^change 4 of the list: /);
  });
});

describe('the control API: connections of a service', () => {
  it('are found by its id, and refused where several services may be meant', async () => {
    const api = testedApi();
    await api.ask('POST', '/v1/services', web);
    await api.ask('POST', '/v1/services', { mark: 7 });
    await api.ask('POST', '/v1/services', { ...web, address: '192.0.2.16/28', lastPort: 90 });
    const asked: object[] = [];
    const { director } = api;
    const piece = director.connectionPiece.bind(director);
    director.connectionPiece = (filter, at) => {
      asked.push({ ...filter });
      return piece(filter, at);
    };
    const found = await api.ask('GET', '/v1/connections?service=tcp:192.0.2.1:80&state=ESTABLISHED');
    assert.equal(found.status, 200);
    assert.deepEqual(asked, [{ state: 'ESTABLISHED', protocol: 'tcp', virtualAddress: '192.0.2.1', virtualPort: 80 }]);
    for (const [id, status] of [
      ['mark:7', 422],
      ['tcp:192.0.2.16%2F28:80-90', 422],
      ['tcp:192.0.2.9:80', 404],
      ['nonsense', 404],
    ] as const)
      assert.equal((await api.ask('GET', `/v1/connections?service=${id}`)).status, status, id);
    await director.close();
  });
});
