/** How clients wait that a door has no time for yet. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { letClientsIn } from '../../lib/control/door/accept-queue.js';
import type { LoopBudget } from '../../lib/control/door/loop-budget.js';
import { dial, gone } from '../support/door-client.js';
import { eventually } from '../support/eventually.js';

describe('clients that a door has no time for', () => {
  let folder: string;
  let path: string;
  let server: Server;
  let turns: Set<() => void>;
  let dropped: number;
  let accepted: number;
  let isBusy: boolean;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'tunvs-queue-'));
    path = join(folder, 's.sock');
    [turns, dropped, accepted, isBusy] = [new Set(), 0, 0, true];
    const wait = (_: string, go: () => void) => {
      if (isBusy) turns.add(go);
      else go();
      return () => void turns.delete(go);
    };
    server = createServer((socket) => {
      accepted++;
      socket.resume().on('end', () => socket.destroy());
    });
    await once(server.listen(path), 'listening');
    renameSync(path, `${path}.placed`); // Node removes the path that it was told
    path += '.placed';
    letClientsIn(server, { place: 'here', budget: { wait } as unknown as LoopBudget, dropped: () => dropped++ });
  });

  afterEach(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });

  const dialMany = async (count: number) => {
    const clients: Socket[] = [];
    for (let client = 0; client < count; client++) clients.push(await dial({ path }));
    return clients;
  };
  const become = (read: () => number, wanted: number, what: string) =>
    eventually(
      async () => read(),
      (seen) => seen === wanted,
      what,
    );

  it('wait in the kernel, and are let in a few at a turn, in their order', async () => {
    const clients = await dialMany(6);
    await become(() => turns.size, 1, 'one turn is asked for');
    assert.equal(accepted, 0);
    const next = () => {
      for (const go of turns) {
        turns.delete(go);
        go();
      }
    };
    next();
    assert.equal(accepted, 4);
    await become(() => turns.size, 1, 'another turn is asked for');
    next();
    assert.equal(accepted, 6);
    isBusy = false;
    clients.push(...(await dialMany(1)));
    await become(() => accepted, 7, 'one is let in at once');
    for (const client of clients) client.destroy();
  });

  it('are never seen if they leave before their turn', async () => {
    for (const client of await dialMany(100)) client.destroy();
    const [stays] = await dialMany(1);
    isBusy = false;
    for (const go of turns) go();
    await become(() => accepted, 1, 'the one that stays is in');
    assert.equal(dropped, 0);
    stays?.destroy();
  });

  it('are closed when there are too many', async () => {
    isBusy = false;
    server.maxConnections = 5;
    const clients = await dialMany(8);
    await become(() => dropped, 3, 'three are dropped');
    assert.equal(accepted, 5);
    await Promise.all(clients.slice(5).map((client) => gone(client.resume())));
    clients[0]?.destroy();
    await eventually(
      async () => {
        const before = accepted;
        clients.push(...(await dialMany(1)));
        await become(() => accepted + dropped, before + dropped + 1, 'it is in or dropped');
        return accepted;
      },
      (seen) => seen === 6,
      'one that leaves makes room for another',
    );
    for (const client of clients) client.destroy();
  });

  it('are all gone before the server is closed', async () => {
    isBusy = false;
    const [client] = await dialMany(1);
    await become(() => accepted, 1, 'it is in');
    let isClosed = false;
    server.close(() => (isClosed = true));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isClosed, false);
    client?.destroy();
    await become(() => Number(isClosed), 1, 'the server is closed');
  });

  it('are closed with the door', async () => {
    const [client] = await dialMany(1);
    await become(() => turns.size, 1, 'it waits');
    server.close();
    await gone((client as Socket).resume());
    assert.equal(turns.size, 0);
  });
});
