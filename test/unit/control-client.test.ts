/** The client of the control API, over a unix socket and TCP. */
import { strict as assert } from 'node:assert';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ControlClient, createClient } from '../../lib/control/client.js';
import type { Door } from '../../lib/control/door/door.js';
import { openDoor } from '../../lib/control/door/open-door.js';
import { type TestedApi, testedApi } from '../support/control.js';
import { tcp } from '../support/packets.js';

const web = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const WEB = 'tcp:192.0.2.1:80';

const TOKEN = '0123456789abcdef';

describe('a client of the control API', () => {
  for (const way of ['a unix socket', 'TCP'] as const)
    describe(`over ${way}`, () => {
      let api: TestedApi;
      let door: Door;
      let client: ControlClient;
      let folder: string;

      beforeEach(async () => {
        const execute = async function* (_: unknown, { stdin }: { stdin?: string }) {
          yield { out: `${stdin}` };
          yield { exit: 3 };
        };
        api = testedApi({ execute, reload: async ({ dryRun }) => ({ changes: [{ dryRun }] }) });
        folder = await mkdtemp(join(tmpdir(), 'tunvs-client-'));
        const socket = join(folder, 's.sock');
        const http = { host: '127.0.0.1', port: 0, tokens: { write: TOKEN } };
        door = await openDoor({ fetch: api.app.fetch, ...(way === 'TCP' ? { http } : { socket: { path: socket } }) });
        const url = door.addresses.http ?? '';
        client = createClient(way === 'TCP' ? { url, token: TOKEN } : { socket });
      });
      afterEach(async () => {
        api.app.close();
        await door.close();
        await api.director.close();
        await rm(folder, { recursive: true });
      });

      it('changes services and servers under the version that it has read', async () => {
        const added = await client.services.add({ ...web, realServers: [{ address: '10.3.0.11' }] });
        assert.equal(added.id, WEB);
        const read = await client.services.get(WEB);
        await client.servers.edit(WEB, '10.3.0.11:80', { weight: 5 });
        const late = client.services.edit(WEB, { scheduler: 'rr' }, { ifMatch: read.etag as string });
        await assert.rejects(late, { name: 'TunvsError', code: 'ERR_TUNVS_CHANGED' });
        assert.equal((await client.servers.get(WEB, '10.3.0.11:80')).weight, 5);
        const range = { protocol: 'udp', address: '192.0.2.0/28', port: 53 } as const;
        const { id } = await client.services.add(range);
        assert.equal((await client.services.get(id)).address, range.address);
        await client.transaction({ changes: [{ op: 'deleteService', service: id }] });
        assert.equal((await client.services.list()).services.length, 1);
        await client.services.delete(WEB);
      });

      it('throws what the API has refused, with its sentence', async () => {
        const refused = client.services.get('tcp:192.0.2.9:80');
        await assert.rejects(refused, { code: 'ERR_TUNVS_NOT_FOUND', message: /there is none yet/ });
        await assert.rejects(client.setSysctls({ nope: 1 }), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
      });

      it('goes through connections', async () => {
        await client.services.add({ ...web, realServers: [{ address: '10.3.0.11' }] });
        api.director.process(
          Array.from({ length: 900 }, (_, at) => tcp({ from: `198.51.100.7:${1000 + at}`, to: '192.0.2.1:80' })),
          0,
        );
        const ports = new Set<number>();
        for await (const { clientPort } of client.connections({ state: 'SYN_RECV' })) ports.add(clientPort);
        assert.equal(ports.size, 900);
        for await (const _ of client.connections()) break;
      });

      it('follows events until its signal is aborted', async () => {
        const stop = new AbortController();
        const seen: string[] = [];
        const following = (async () => {
          for await (const { event, data } of client.events({ signal: stop.signal })) {
            seen.push(`${event} ${data.change}`);
            if (seen.length === 2) stop.abort(new Error('enough'));
          }
        })();
        const timer = setInterval(() => {
          if (api.director.virtualServices.length > 0) api.director.clear();
          else api.director.addVirtualService(web);
        }, 5);
        try {
          await assert.rejects(following);
        } finally {
          clearInterval(timer);
        }
        assert.deepEqual(
          seen.map((each) => each.split(' ')[0]),
          ['virtualService', 'virtualService'],
        );
      });

      it('reads what ipvsadm and a reload say', async () => {
        const pieces = [];
        for await (const piece of client.ipvsadm(['-R'], { stdin: 'text' })) pieces.push(piece);
        assert.deepEqual(pieces, [{ out: 'text' }, { exit: 3 }]);
        assert.deepEqual((await client.reload({ dryRun: true })).changes, [{ dryRun: true }]);
      });
    });

  it('says where no director answers', async () => {
    const nobody = createClient({ socket: '/nonexistent/tunvs.sock' });
    await assert.rejects(nobody.status(), {
      code: 'ERR_TUNVS_SYSTEM',
      message: /no director answers at \/nonexistent/,
    });
  });
});
