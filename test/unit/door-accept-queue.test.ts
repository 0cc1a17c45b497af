/** How clients wait that a door has no time for yet. */
import { strict as assert } from 'node:assert';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueClients } from '../../lib/control/door/accept-queue.js';
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
    server = createServer(() => accepted++);
    queueClients(server, 'here', { wait } as unknown as LoopBudget, () => dropped++);
    await once(server.listen(path), 'listening');
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

  it('are let in when it is their turn, in their order', async () => {
    const clients = await dialMany(3);
    await become(() => turns.size, 3, 'all wait');
    assert.equal(accepted, 0);
    for (const go of turns) go();
    await become(() => accepted, 3, 'all are in');
    isBusy = false;
    clients.push(...(await dialMany(1)));
    await become(() => accepted, 4, 'one is let in at once');
    for (const client of clients) client.destroy();
  });

  it('are closed when too many wait', async () => {
    const clients = await dialMany(1030);
    await become(() => dropped, 6, 'six are dropped');
    assert.equal(turns.size, 1024);
    await Promise.all(clients.slice(1024).map((client) => gone(client.resume())));
    for (const client of clients) client.destroy();
  });

  it('are closed with the door', async () => {
    const [client] = await dialMany(1);
    await become(() => turns.size, 1, 'it waits');
    server.close();
    await gone((client as Socket).resume());
    assert.equal(turns.size, 0);
  });
});
