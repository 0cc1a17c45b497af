/** Long answers are written a part at a time, and are the JSON that they would be at once. */
import { strict as assert } from 'node:assert';
import { jsonInTurns, LazyList } from '../../lib/control/router/json-in-turns.js';
import { jsonMember, withJson } from '../../lib/values/json.js';
import { testedApi } from '../support/control.js';

const atOnce = (value: unknown) => JSON.stringify(value, (_, member: unknown) => jsonMember(member));

describe('the control API: long answers', () => {
  const long = Array.from({ length: 1000 }, (_, at) => ({ at, big: 2n ** 60n, inner: [{ at }, undefined, null] }));
  for (const [name, value] of [
    ['nothing', null],
    ['a text', 'text'],
    ['empty lists and maps', { list: [], map: {}, left: undefined, lazy: new LazyList([], String) }],
    ['a long list of numbers', { numbers: Array.from({ length: 500 }, (_, at) => at), after: true }],
    ['figures of the library', { services: [withJson({ figure: 7n, servers: [withJson({ figure: 2n ** 63n })] })] }],
    ['dates and what else says itself how it looks', { list: [{ at: new Date(0) }], at: new Date(0) }],
    ['maps in lists in maps', { long, list: [[long]], '"quoted"': [{ '\n': 1 }] }],
    ['a list that is made while it is written', { services: new LazyList(long, ({ at }) => ({ id: `${at}` })) }],
  ] as const)
    it(`writes ${name}`, async () => assert.equal(await jsonInTurns(value), atOnce(value)));

  it('lets others have their turn', async () => {
    let turns = 0;
    const counting = setInterval(() => turns++, 1);
    const slow = (at: number) => {
      for (const began = performance.now(); performance.now() - began < 1; );
      return at;
    };
    await jsonInTurns({
      slow: new LazyList(
        Array.from({ length: 100 }, (_, at) => at),
        slow,
      ),
    });
    clearInterval(counting);
    assert.ok(turns >= 3, `${turns} turns`);
  });

  it('leaves out what is deleted while the list is written', async () => {
    const { director, ask } = testedApi();
    const [first] = [1, 2].map((last) =>
      director.addVirtualService({ protocol: 'tcp', address: `192.0.2.${last}`, port: 80 }),
    );
    const { virtualServices } = director;
    const list = new LazyList(virtualServices, ({ scheduler, port }) => ({ scheduler, port }));
    first?.delete();
    assert.deepEqual([...list], [{ scheduler: 'wlc', port: 80 }]);
    assert.equal((await ask('GET', '/v1/services')).json.services.length, 1);
    await director.close();
  });

  it('has an ETag that another process, or the same daemon started again, never has', async () => {
    const [before, after] = [testedApi(), testedApi()];
    const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 };
    for (const { ask } of [before, after]) await ask('POST', '/v1/services', web);
    for (const path of ['/v1/services', '/v1/services/tcp:192.0.2.1:80', '/v1/timeouts']) {
      const old = (await before.ask('GET', path)).headers.get('etag') as string;
      const now = (await after.ask('GET', path)).headers.get('etag') as string;
      assert.ok(old !== '' && old !== now, path);
      const body = { changes: [{ op: 'clear' }] };
      const refused = await after.ask('POST', '/v1/transaction', body, { headers: { 'if-match': old } });
      assert.equal(refused.status, 412);
    }
    const etag = (await after.ask('GET', '/v1/services')).headers.get('etag') as string;
    const taken = await after.ask('POST', '/v1/transaction', { changes: [] }, { headers: { 'if-match': etag } });
    assert.equal(taken.status, 200);
    for (const { director } of [before, after]) await director.close();
  });
});
