import { strict as assert } from 'node:assert';
import { type ConnectionsOptions, connections } from '../../lib/stats/connections.js';
import type { NativeConnectionRow } from '../../lib/native/rows.js';

function row(clientPort: number, more: Partial<NativeConnectionRow> = {}): NativeConnectionRow {
  return {
    protocol: 6,
    clientAddress: '198.51.100.7',
    clientPort,
    virtualAddress: '192.0.2.1',
    virtualPort: 80,
    serverAddress: '10.0.0.11',
    serverPort: 80,
    state: 'ESTABLISHED',
    expiresMs: 900_000,
    active: true,
    template: false,
    controlled: 0,
    ...more,
  };
}

/** Makes pages of two rows; `cursors` records what was asked for. */
function table(rows: NativeConnectionRow[]) {
  const cursors: number[] = [];
  const page = (cursor: number) => {
    cursors.push(cursor);
    const next = cursor + 2;
    return { rows: rows.slice(cursor, next), next: next >= rows.length ? -1 : next };
  };
  const ports = async (options: ConnectionsOptions) => {
    const found: number[] = [];
    for await (const each of connections(options, page)) found.push(each.clientPort);
    return found;
  };
  return { cursors, page, ports };
}

describe('connections', () => {
  it('goes through all pages, also empty ones', async () => {
    assert.deepEqual(await table([1, 2, 3, 4, 5].map((port) => row(port))).ports({}), [1, 2, 3, 4, 5]);
    assert.deepEqual(await table([]).ports({}), []);
  });

  it('names the protocol', async () => {
    for await (const { protocol } of connections({}, table([row(1, { protocol: 17, state: 'UDP' })]).page)) {
      assert.equal(protocol, 'udp');
    }
  });

  it('has the ports that IPVS shows where a server or a template is one of every port', async () => {
    const everyPort = { template: true, clientPort: 0, virtualPort: 0 };
    const { page } = table([
      row(1, { serverPort: 0 }),
      row(0, { ...everyPort, serverPort: 21 }),
      row(0, { template: true }),
    ]);
    const ports = [];
    for await (const { serverPort } of connections({}, page)) ports.push(serverPort);
    assert.deepEqual(ports, [80, 0, 80]);
  });

  it('tells what a persistence engine knows a client by', async () => {
    const template = { template: true, state: 'NONE', clientPort: 0, controlled: 2 };
    const { page } = table([
      row(0, { ...template, persistenceEngine: 'sip', persistenceData: 'a@b.example' }),
      row(0, template),
    ]);
    const found = [];
    for await (const { kind, controlled, persistenceEngine, persistenceData } of connections({}, page))
      found.push([kind, controlled, persistenceEngine, persistenceData]);
    assert.deepEqual(found, [
      ['template', 2, 'sip', 'a@b.example'],
      ['template', 2, undefined, undefined],
    ]);
  });

  const rows = [
    row(1),
    row(2, { protocol: 17, state: 'UDP', active: false }),
    row(3, { clientAddress: '2001:db8::7' }),
    row(4, { virtualAddress: '192.0.2.2', virtualPort: 443, serverPort: 443 }),
    row(5, { serverAddress: '10.0.0.12' }),
    row(0, { protocol: 0, virtualAddress: '0.0.0.7', virtualPort: 0, state: 'NONE', active: false, template: true }),
  ];
  const filters: [ConnectionsOptions, number[]][] = [
    [{ protocol: 'udp' }, [2]],
    [{ clientAddress: '2001:DB8:0::7' }, [3]],
    [{ clientPort: 5 }, [5]],
    [{ virtualAddress: '192.0.2.2' }, [4]],
    [{ virtualPort: 443 }, [4]],
    [{ serverAddress: '10.0.0.12' }, [5]],
    [{ serverPort: 443 }, [4]],
    [{ state: 'UDP' }, [2]],
    [{ active: false }, [2, 0]],
    [{ kind: 'template' }, [0]],
    [{ kind: 'connection', active: false }, [2]],
    [{ protocol: 'ip' }, [0]],
    [{ virtualAddress: '0.0.0.7' }, [0]],
    [{ active: true, virtualPort: 80, serverAddress: '10.0.0.11' }, [1, 3]],
    [{ protocol: undefined, virtualPort: 443 } as unknown as ConnectionsOptions, [4]],
  ];
  for (const [filter, expected] of filters) {
    it(`filters by ${JSON.stringify(filter)}`, async () => assert.deepEqual(await table(rows).ports(filter), expected));
  }

  it('refuses a filter that is none at once, before any page', () => {
    const { page, cursors } = table(rows);
    for (const options of [
      { serverAdress: 'x' },
      { clientPort: '80' },
      { clientAddress: 'x' },
      { state: 1 },
      { kind: 'persistent' },
      { active: 'yes' },
      { signal: 1 },
    ]) {
      assert.throws(() => connections(options as ConnectionsOptions, page), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
    }
    assert.deepEqual(cursors, []);
  });

  it('refuses a state that is none with the list of those that there are', () => {
    const { page } = table(rows);
    // @ts-expect-error: the names are in capitals.
    assert.throws(() => connections({ state: 'syn_recv' }, page), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      option: 'state',
      message: /^connections: state: expected one of 'NONE', 'ESTABLISHED', .*'SYN_RECV'.*, got 'syn_recv'$/,
    });
  });

  it('reads no further page when the loop is left', async () => {
    const { page, cursors } = table(rows);
    for await (const _ of connections({}, page)) break;
    assert.deepEqual(cursors, [0]);
  });

  it('throws the reason when the signal is aborted', async () => {
    const abort = new AbortController();
    const seen: number[] = [];
    await assert.rejects(async () => {
      for await (const { clientPort } of connections({ signal: abort.signal }, table(rows).page)) {
        seen.push(clientPort);
        abort.abort(new Error('enough'));
      }
    }, /enough/);
    assert.deepEqual(seen, [1]);
  });
});
