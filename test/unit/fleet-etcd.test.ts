/** The client of etcd, beside a fake one that answers as the real one does, and worse. */
import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { EtcdClient, below } from '../../lib/fleet/etcd/client.js';
import { EtcdFailure, type EtcdFailureKind } from '../../lib/fleet/etcd/failure.js';
import { JsonLines } from '../../lib/fleet/etcd/json-lines.js';
import { type EtcdOptions, whyNoEndpoint } from '../../lib/fleet/etcd/options.js';
import type { WatchBatch } from '../../lib/fleet/etcd/answers.js';
import { authority, serverCertificate } from '../support/certificates.js';
import { FakeEtcd } from '../support/fake-etcd.js';

const isOf = (kind: EtcdFailureKind, says: RegExp) => (error: unknown) => {
  assert.ok(error instanceof EtcdFailure, String(error));
  assert.equal(error.kind, kind, error.message);
  assert.match(error.message, says);
  return true;
};

describe('the client of etcd', () => {
  let etcd: FakeEtcd;
  const clients: EtcdClient[] = [];

  beforeEach(async () => {
    etcd = await FakeEtcd.open();
  });

  afterEach(async () => {
    for (const each of clients.splice(0)) each.close();
    await etcd.close();
  });

  function clientOf(options: Partial<EtcdOptions> = {}): EtcdClient {
    const client = new EtcdClient({ endpoints: [etcd.url], timeoutMs: 500, ...options });
    clients.push(client);
    return client;
  }

  /** Collects what a watch yields, until it has this many changes. */
  async function changesOf(client: EtcdClient, from: number, many: number): Promise<WatchBatch[]> {
    const over = new AbortController();
    const batches: WatchBatch[] = [];
    for await (const batch of client.watch(below('/s/'), from, over.signal)) {
      batches.push(batch);
      if (batches.flatMap(({ changes }) => changes).length >= many) break;
    }
    over.abort();
    return batches;
  }

  it('reads a range of many pages at one revision', async () => {
    for (let at = 0; at < 1203; at++) etcd.put(`/s/${String(at).padStart(5, '0')}`, `ü${at}`);
    etcd.put('/t', 'not of it');
    const { kvs, revision } = await clientOf().readAll(below('/s/'));
    assert.equal(kvs.length, 1203);
    assert.deepEqual(kvs[1202], { key: '/s/01202', value: 'ü1202', modRevision: 1204 });
    assert.equal(revision, 1205);
    assert.equal(etcd.asked.length, 3);
  });

  it('begins a reading anew, as its caller sees, when its revision is compacted between two pages', async () => {
    for (let at = 0; at < 600; at++) etcd.put(`/s/${at}`, '');
    etcd.instead = (_path, _response, body) => {
      if ('revision' in body) etcd.compact(etcd.put('/s/more', ''));
      return false;
    };
    await assert.rejects(clientOf().readAll(below('/s/')), isOf('compacted', /compacted/));
  });

  it('puts under a lease, makes a key once, keeps the lease and revokes it', async () => {
    const client = clientOf();
    const { id } = await client.grant(5);
    await client.put('/s/a', '1', { lease: id });
    assert.equal((await client.create('/s/p', 'first', { lease: id })).value, 'first');
    const { id: other } = await client.grant(5);
    const there = await client.create('/s/p', 'second', { lease: other });
    assert.deepEqual([there.value, there.lease], ['first', id]);
    assert.equal(await client.keepAlive(id), 5);
    await client.revoke(id);
    assert.equal(await client.keepAlive(id), 0);
    assert.equal(etcd.keys.size, 0);
    await assert.rejects(client.put('/s/a', '1', { lease: id }), isOf('refused', /lease not found/));
  });

  it('watches from a revision on, and gets what came together at once', async () => {
    etcd.put('/s/a', 'old');
    const from = etcd.put('/s/b', 'new');
    etcd.put('/t', 'not of it');
    const client = clientOf();
    const watching = changesOf(client, from, 4);
    while (etcd.watchers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    etcd.put('/s/c', '3');
    etcd.delete('/s/a', '/s/b');
    const batches = await watching;
    assert.deepEqual(
      batches.map(({ changes }) => changes.map(({ key, value }) => [key, value])),
      [
        [],
        [['/s/b', 'new']],
        [['/s/c', '3']],
        [
          ['/s/a', undefined],
          ['/s/b', undefined],
        ],
      ],
    );
    assert.equal(batches.at(-1)?.revision, etcd.revision);
  });

  it('says that a revision of a watch has been compacted', async () => {
    etcd.put('/s/a', '1');
    etcd.compact(etcd.put('/s/a', '2'));
    await assert.rejects(changesOf(clientOf(), 1, 1), isOf('compacted', /compacted/));
  });

  it('understands a stream however its chunks fall', async () => {
    const from = etcd.put('/s/ä', 'ö'.repeat(50));
    let written = Promise.resolve();
    etcd.write = (response, line) => {
      written = written.then(async () => {
        const bytes = Buffer.from(line);
        for (let at = 0; at < bytes.length; at += 7) {
          response.write(bytes.subarray(at, at + 7));
          await new Promise((next) => setImmediate(next));
        }
      });
    };
    const [, batch] = await changesOf(clientOf(), from, 1);
    assert.deepEqual(batch?.changes, [{ key: '/s/ä', value: 'ö'.repeat(50), modRevision: from }]);
  });

  const broken: [string, string, RegExp][] = [
    ['is no JSON', '{"result":\n', /no JSON/],
    ['has no result', '{"other":1}\n', /without a result/],
    ['is an array', '[1]\n', /without a result/],
    ['has a revision that is none', '{"result":{"header":{"revision":"1e9"}}}\n', /number is missing/],
    ['has events that are none', '{"result":{"header":{"revision":"5"},"events":7}}\n', /list is none/],
    ['has a key that is no text', '{"result":{"header":{"revision":"5"},"events":[{"kv":{"key":3}}]}}\n', /no text/],
  ];
  for (const [what, line, says] of broken) {
    it(`refuses a line of a watch that ${what}`, async () => {
      const client = clientOf();
      const watching = assert.rejects(changesOf(client, 1, 1), isOf('foreign', says));
      while (etcd.watchers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      etcd.shout(line);
      await watching;
    });
  }

  it('passes on what etcd says in the middle of a stream', async () => {
    const watching = assert.rejects(changesOf(clientOf(), 1, 1), isOf('away', /no leader/));
    while (etcd.watchers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    etcd.shout('{"error":{"grpc_code":14,"http_code":503,"message":"etcdserver: no leader"}}\n');
    await watching;
  });

  it('finds an endpoint that is silent beside an open watch', async () => {
    const client = clientOf({ heartbeatMs: 20, timeoutMs: 60 });
    const watching = assert.rejects(changesOf(client, 1, 1), isOf('away', /no answer within 60 ms/));
    while (etcd.watchers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    etcd.instead = (path) => path === '/v3/kv/range';
    await watching;
  });

  it('gives up a call and a watch with the signal, for its reason', async () => {
    etcd.instead = () => true;
    const reason = new Error('enough');
    const over = new AbortController();
    const client = clientOf({ timeoutMs: 10_000 });
    const asked = assert.rejects(client.range({ key: '/s' }, over.signal), reason);
    const watched = assert.rejects(async () => {
      for await (const _ of client.watch(below('/s/'), 1, over.signal));
    }, reason);
    setTimeout(() => over.abort(reason), 20);
    await Promise.all([asked, watched]);
  });

  it('asks its endpoints in turn, and stays with the one that answers', async () => {
    const silent = await FakeEtcd.open();
    silent.instead = () => true;
    const gone = await FakeEtcd.open();
    await gone.close();
    etcd.put('/s/a', '1');
    const client = clientOf({ endpoints: [gone.url, silent.url, etcd.url], timeoutMs: 100 });
    assert.equal((await client.range({ key: '/s/a' })).kvs.length, 1);
    assert.equal((await client.range({ key: '/s/a' })).kvs.length, 1);
    assert.equal(silent.asked.length, 1);
    await etcd.close();
    await assert.rejects(client.range({ key: '/s/a' }), (error: Error) => {
      for (const each of [gone, silent, etcd]) assert.match(error.message, new RegExp(`${each.url}: `));
      return true;
    });
    await silent.close();
  });

  it('goes on to another endpoint when a member lacks its leader, or when no etcd is there', async () => {
    const other = await FakeEtcd.open();
    etcd.put('/s/a', '1');
    const client = clientOf({ endpoints: [other.url, etcd.url] });
    other.instead = (_path, response) => {
      response.writeHead(503).end('{"error":"etcdserver: no leader","code":14}');
      return true;
    };
    assert.equal((await client.range({ key: '/s/a' })).kvs.length, 1);
    const again = clientOf({ endpoints: [other.url, etcd.url] });
    other.instead = (_path, response) => {
      response.end('<html>');
      return true;
    };
    assert.equal((await again.range({ key: '/s/a' })).kvs.length, 1);
    await other.close();
  });

  it('reads no answer without an end', async () => {
    etcd.instead = (_path, response) => {
      const more = () => {
        if (!response.destroyed) response.write('x'.repeat(2 ** 20), more);
      };
      more();
      return true;
    };
    await assert.rejects(clientOf({ timeoutMs: 20_000 }).range({ key: '/' }), isOf('foreign', /more than/));
  });

  it('authenticates once, and anew when its token has expired', async () => {
    etcd.user = { name: 'lb', password: 'secret' };
    const client = clientOf({ user: { name: 'lb', password: 'secret' } });
    await Promise.all([client.range({ key: '/a' }), client.range({ key: '/b' })]);
    assert.equal(etcd.asked.filter((path) => path.endsWith('authenticate')).length, 1);
    etcd.tokens.clear();
    await client.put('/a', '1');
    assert.equal(etcd.asked.filter((path) => path.endsWith('authenticate')).length, 2);
  });

  it('keeps a watch whose token has expired meanwhile', async () => {
    etcd.user = { name: 'lb', password: 'secret' };
    const client = clientOf({ user: { name: 'lb', password: 'secret' }, heartbeatMs: 10 });
    const watching = changesOf(client, 1, 1);
    while (etcd.watchers === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    etcd.tokens.clear();
    await new Promise((resolve) => setTimeout(resolve, 60));
    etcd.put('/s/a', '1');
    assert.equal((await watching).length, 2);
  });

  it('says who is missing, and who is wrong', async () => {
    etcd.user = { name: 'lb', password: 'secret' };
    await assert.rejects(clientOf().range({ key: '/a' }), isOf('denied', /give --etcd-user/));
    const wrong = clientOf({ user: { name: 'lb', password: 'x' } });
    await assert.rejects(wrong.range({ key: '/a' }), isOf('denied', /--etcd-password-file/));
    etcd.user = undefined;
    await wrong.range({ key: '/a' });
  });

  it('trusts an endpoint by its certificate, and refuses another', async () => {
    const secure = await FakeEtcd.open(serverCertificate);
    const url = `https://127.0.0.1:${secure.port}`;
    await assert.rejects(clientOf({ endpoints: [url] }).range({ key: '/' }), isOf('away', /--etcd-ca/));
    const strict = clientOf({ endpoints: [url], tls: { ca: authority.cert } });
    await assert.rejects(strict.range({ key: '/' }), isOf('away', /for another name/));
    const plain = clientOf({ endpoints: [`http://127.0.0.1:${secure.port}`] });
    await assert.rejects(plain.range({ key: '/' }), isOf('away', /./));
    const other = clientOf({ endpoints: [`https://127.0.0.1:${etcd.port}`] });
    await assert.rejects(other.range({ key: '/' }), isOf('away', /TLS|SSL|wrong version/i));
    await secure.close();
  });

  it('says what is no endpoint', () => {
    const texts = ['etcd:2379', 'nowhere', 'http://a:1/x', 'http://u:p@a', 'http://a?b', 'ftp://a'];
    for (const each of texts) assert.notEqual(whyNoEndpoint(each), undefined, each);
    for (const each of ['http://10.2.0.5:2379', 'https://[2001:db8::1]:2379/'])
      assert.equal(whyNoEndpoint(each), undefined, each);
  });
});

describe('lines of JSON in a stream', () => {
  it('are the same however the stream is cut', () => {
    const values = fc.array(
      fc.oneof(fc.string({ unit: 'grapheme' }), fc.integer(), fc.dictionary(fc.string(), fc.string())),
    );
    fc.assert(
      fc.property(values, fc.infiniteStream(fc.integer({ min: 1, max: 9 })), (sent, lengths) => {
        const bytes = Buffer.from(sent.map((each) => `${JSON.stringify(each)}\n`).join('\n'));
        const lines = new JsonLines('etcd', 1000);
        const received: unknown[] = [];
        for (let at = 0; at < bytes.length; ) {
          const { value: length } = lengths.next() as { value: number };
          received.push(...lines.push(bytes.subarray(at, at + length)));
          at += length;
        }
        assert.equal(JSON.stringify(received), JSON.stringify(sent));
      }),
    );
  });

  it('are refused when one is too long, before it ends', () => {
    const lines = new JsonLines('etcd', 100);
    lines.push(Buffer.from(`${'1'.repeat(90)}\n${'1'.repeat(90)}`));
    assert.throws(() => lines.push(Buffer.from('1'.repeat(20))), isOf('foreign', /more than 100 bytes/));
  });
});
