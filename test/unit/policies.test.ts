/** Policies at work on an offline director: the functions are called within process() and within transactions. */
import { strict as assert } from 'node:assert';
import { setImmediate as turn } from 'node:timers/promises';
import {
  type ConnectionBatch,
  connectionPolicy,
  type Decide,
  Director,
  type EngineEvent,
  type OfflineDirector,
  type Policy,
  type PolicyServer,
  type PolicyService,
  type RealServer,
  tablePolicy,
  type VirtualService,
  weightsPolicy,
} from '../../lib/index.js';
import { tcp } from '../support/packets.js';

const VIP = '192.0.2.1';
const WEB = { protocol: 'tcp', address: VIP, port: 80 } as const;

/** Makes a web service with servers a, b, c (10.0.0.1, ...), and rr where the policy does not decide. */
class Bed implements AsyncDisposable {
  readonly director: OfflineDirector = Director.offline({ source: '10.9.0.1', seed: 1 });
  readonly web: VirtualService;
  readonly events: EngineEvent[] = [];
  atMs = 0;
  #next = 0;

  constructor(policy?: Policy, servers = 'abc') {
    this.director.on('event', (event) => this.events.push(event));
    this.web = this.director.addVirtualService({ ...WEB, scheduler: 'rr', ...(policy && { policy }) });
    this.director.transaction(() => {
      for (const name of servers) this.add(name);
    });
  }

  add(name: string): RealServer {
    return this.web.addRealServer({ address: `10.0.0.${name.charCodeAt(0) - 96}` });
  }

  server(name: string): RealServer {
    return this.web.realServer({ address: `10.0.0.${name.charCodeAt(0) - 96}` }) as RealServer;
  }

  /** Returns where new connections go, one from each of so many clients, in the order of the clients. */
  open(count: number): string {
    const packets = Array.from({ length: count }, () => {
      const client = this.#next++;
      return tcp({ from: `198.51.${100 + (client >> 8)}.${client & 255}:${1000 + client}`, to: `${VIP}:80` });
    });
    const went = packets.map(() => '-');
    for (const { data, cause } of this.director.process(packets, this.atMs).outputs)
      if (data[9] === 4) went[cause] = String.fromCharCode(96 + (data[19] as number));
    return went.join('');
  }

  pass(ms: number): void {
    this.atMs += ms;
    this.director.advance(this.atMs);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.director.close();
  }
}

describe('a connection policy', () => {
  it('decides each new connection, and only new ones', async () => {
    const asked: string[] = [];
    await using bed = new Bed(
      connectionPolicy(({ clientAddress, clientPort, virtualAddress, virtualPort, protocol, service, servers }) => {
        asked.push(`${protocol} ${clientAddress}:${clientPort} to ${virtualAddress}:${virtualPort}`);
        assert.equal(service, bed.web);
        return servers[clientPort % 2];
      }),
    );
    assert.equal(bed.open(4), 'abab');
    assert.equal(asked[3], 'tcp 198.51.100.3:1003 to 192.0.2.1:80');
    const ack = tcp({ from: '198.51.100.1:1001', to: `${VIP}:80`, flags: 'A' });
    assert.equal(bed.director.process(ack, 0).outputs[0]?.data[19], 2);
    assert.equal(asked.length, 4);
    const { asked: questions, answered, parked } = bed.web.policy?.counters ?? {};
    assert.deepEqual([questions, answered, parked], [4n, 4n, 4n]);
  });

  it('decides hundreds at once, in columns', async () => {
    const lengths: number[] = [];
    const decideBatch = (batch: ConnectionBatch) => {
      lengths.push(batch.length);
      for (let row = 0; row < batch.length; row++) {
        assert.equal(batch.clientAddress(row).split('.')[3], `${batch.clientNumber(row) & 255}`);
        batch.choose(row, (batch.clientPorts[row] as number) % 3);
      }
    };
    await using bed = new Bed(connectionPolicy({ decideBatch }));
    assert.equal(bed.open(256), Array.from({ length: 256 }, (_, i) => 'abc'[(1000 + i) % 3]).join(''));
    assert.equal(
      lengths.reduce((sum, length) => sum + length),
      256,
    );
    assert.ok(lengths.some((length) => length > 32));
  });

  it('sees as much of the first packet as it asked for', async () => {
    const seen: Uint8Array[] = [];
    const look = ({ packet }: { packet: Uint8Array }) => {
      seen.push(packet.slice());
      return undefined;
    };
    await using bed = new Bed(connectionPolicy(look, { packetBytes: 24 }));
    const packet = tcp({ from: '198.51.100.7:1024', to: `${VIP}:80` });
    bed.director.process(packet, 0);
    assert.deepEqual(seen, [packet.slice(0, 24)]);
    bed.web.edit({ policy: connectionPolicy(look) });
    bed.open(1);
    assert.equal(seen[1]?.length, 0);
  });

  it('leaves to the scheduler what it does not decide', async () => {
    await using bed = new Bed(connectionPolicy(({ clientPort }) => (clientPort % 2 === 0 ? 0 : undefined)));
    const went = bed.open(6);
    assert.match(went, /^a.a.a.$/);
    assert.deepEqual([...went].filter((_, i) => i % 2 === 1).sort(), ['a', 'b', 'c']);
    assert.equal(bed.web.policy?.counters.failed, 0n);
  });

  it('that throws is told of once in a burst, and costs no packet', async () => {
    let isBroken = true;
    await using bed = new Bed(
      connectionPolicy(
        () => {
          if (isBroken) throw new RangeError('no idea');
          return 0;
        },
        { name: 'unlucky' },
      ),
    );
    assert.equal([...bed.open(200)].filter((name) => name === '-').length, 0);
    await turn();
    assert.equal(bed.events.length, 1);
    const [{ type, value, message, cause }] = bed.events as [EngineEvent];
    assert.deepEqual([type, value], ['policyFailed', 1]);
    assert.match(message, /policy "unlucky" of tcp 192\.0\.2\.1:80 failed, so its scheduler rr decides: no idea/);
    assert.ok(cause instanceof RangeError);
    assert.equal(bed.web.policy?.counters.failed, 200n);

    isBroken = false;
    assert.equal(bed.open(3), 'aaa');
    bed.pass(5_000);
    isBroken = true;
    bed.open(1);
    await turn();
    assert.equal(bed.events.length, 1, 'the burst goes on');
    bed.pass(10_000);
    bed.open(1);
    await turn();
    assert.deepEqual(
      bed.events.map(({ value }) => value),
      [1, 201],
    );
  });

  const unusable: [what: string, decide: (servers: readonly PolicyServer[], web: PolicyService) => unknown][] = [
    ['an index that no server has', () => 7],
    ['a negative index', () => -1],
    ['a server that it was not given', (_, web) => web.realServers[2]],
    ['a promise', async () => 0],
    ['null', () => null],
  ];
  for (const [what, decide] of unusable) {
    it(`that answers ${what} has failed, and the scheduler decides`, async () => {
      await using bed = new Bed(
        connectionPolicy(({ servers, service }) => decide(servers, service) as PolicyServer | undefined),
      );
      bed.server('c').weight = 0;
      assert.match(bed.open(4), /^[ab]{4}$/);
      await turn();
      const { asked, answered, failed } = bed.web.policy?.counters ?? {};
      assert.deepEqual([asked, answered, failed], [4n, 0n, 4n]);
      assert.equal(bed.events.length, 1);
    });
  }

  const waiting: [what: string, promise: string, policy: () => Policy][] = [
    ['decide', 'a promise', () => connectionPolicy((async () => 0) as unknown as Decide)],
    [
      'decide',
      'one that rejects',
      () => connectionPolicy((() => Promise.reject(new Error('late'))) as unknown as Decide),
    ],
    // biome-ignore lint/suspicious/noThenProperty: it is what is tried.
    ['decide', 'what has a then()', () => connectionPolicy((() => ({ then() {} })) as unknown as Decide)],
    ['decideBatch', 'a promise', () => connectionPolicy({ decideBatch: async () => {} })],
    [
      'decideBatch',
      'one that rejects',
      () => connectionPolicy({ decideBatch: () => Promise.reject(new Error('late')) }),
    ],
  ];
  for (const [what, promise, policy] of waiting) {
    it(`is told that it cannot wait, where ${what} answers ${promise}`, async () => {
      await using bed = new Bed(policy());
      assert.match(bed.open(3), /^[abc]{3}$/);
      await turn();
      assert.deepEqual(
        bed.events.map(({ message }) => message.replace(/^.* decides: /, '')),
        [`${what} returned a promise: a connection policy cannot wait`],
      );
    });
  }

  it('keeps what a batch had chosen before it threw', async () => {
    const decideBatch = (batch: ConnectionBatch) => {
      batch.choose(0, 2);
      throw new Error('halfway');
    };
    await using bed = new Bed(connectionPolicy({ decideBatch }));
    const went = bed.open(3);
    assert.equal(went[0], 'c');
    assert.ok(!went.includes('-'));
    const { answered, failed } = bed.web.policy?.counters ?? {};
    assert.deepEqual([answered, failed], [1n, 2n]);
  });

  it('learns of servers that come and go', async () => {
    await using bed = new Bed(connectionPolicy(({ servers }) => servers.length - 1));
    assert.equal(bed.open(1), 'c');
    bed.add('d');
    assert.equal(bed.open(1), 'd');
    bed.server('d').weight = 0;
    bed.server('c').delete();
    assert.equal(bed.open(1), 'b');
    bed.director.transaction(() => bed.add('c'));
    assert.equal(bed.open(1), 'c');
  });

  it('is not asked any more once it is taken away, or its service is', async () => {
    let asked = 0;
    const count = connectionPolicy(() => {
      asked += 1;
      return 0;
    });
    await using bed = new Bed(count);
    bed.open(2);
    bed.web.edit({ policy: null });
    const taken = bed.web.policy;
    assert.equal(taken, undefined);
    bed.open(2);
    assert.equal(asked, 2);
    bed.web.edit({ policy: count });
    assert.equal(bed.web.policy?.counters.asked, 0n);
    bed.open(1);
    bed.web.delete();
    bed.open(1);
    assert.equal(asked, 3);
  });

  it('stays through an edit of the scheduler, and a transaction that fails changes nothing about it', async () => {
    const first = connectionPolicy(() => 0);
    await using bed = new Bed(first);
    bed.web.edit({ scheduler: 'wlc' });
    assert.equal(bed.open(2), 'aa');
    assert.throws(() =>
      bed.director.transaction(() => {
        bed.web.edit({ policy: connectionPolicy(() => 1) });
        throw new Error('no');
      }),
    );
    assert.equal(bed.open(2), 'aa');
    assert.equal(bed.web.policy?.counters.asked, 4n);
  });

  it('cannot drive its own offline director', async () => {
    const tried: unknown[] = [];
    await using bed = new Bed(
      connectionPolicy(() => {
        for (const act of [() => bed.director.process([], 0), () => bed.director.advance(bed.atMs)]) {
          try {
            act();
          } catch (error) {
            tried.push((error as { code: string }).code);
          }
        }
        return 0;
      }),
    );
    assert.equal(bed.open(1), 'a');
    assert.deepEqual(tried, ['ERR_TUNVS_BUSY', 'ERR_TUNVS_BUSY']);
  });
});

describe('a table policy', () => {
  it('is built when servers or weights change, of those that may get connections', async () => {
    const built: string[] = [];
    const build = (servers: PolicyServer[], { size }: { size: number }) => {
      built.push(`${size}: ${servers.map(({ address, weight }) => `${address}*${weight}`).join(' ')}`);
      return new Uint16Array(size).fill(servers.length - 1);
    };
    await using bed = new Bed(tablePolicy(build, { size: 16 }), 'ab');
    assert.deepEqual(built, ['16: 10.0.0.1*1 10.0.0.2*1']);
    assert.equal(bed.open(5), 'bbbbb');
    bed.server('b').weight = 0;
    assert.equal(bed.open(3), 'aaa');
    bed.server('a').weight = 5;
    bed.web.zero();
    bed.server('a').edit({ upperThreshold: 9 });
    assert.deepEqual(built.slice(1), ['16: 10.0.0.1*1', '16: 10.0.0.1*5']);
    assert.equal(await bed.web.policy?.refresh(), true);
    assert.equal(built.length, 4);
    // Within a transaction it builds when that is in force, and with what that has changed.
    let refreshed: Promise<boolean> | undefined;
    bed.director.transaction(() => {
      refreshed = bed.web.policy?.refresh();
      bed.server('a').weight = 6;
    });
    assert.equal(await refreshed, true);
    assert.deepEqual(built.slice(4), ['16: 10.0.0.1*6', '16: 10.0.0.1*6']);
  });

  it('is asked no more when it was taken away', async () => {
    let built = 0;
    const build = () => {
      built += 1;
      return [0];
    };
    await using bed = new Bed(tablePolicy(build, { name: 'old' }));
    const old = bed.web.policy;
    const over = { code: 'ERR_TUNVS_CLOSED', message: /the policy "old" has ended/ };
    let refused: Promise<boolean> | undefined;
    bed.director.transaction(() => {
      refused = old?.refresh();
      bed.web.edit({ policy: null });
    });
    await assert.rejects(refused as Promise<boolean>, over);
    await assert.rejects(old?.refresh() as Promise<boolean>, over);
    assert.equal(built, 1);
    bed.web.edit({ policy: tablePolicy(() => [0], { name: 'new' }) });
    await assert.rejects(old?.refresh() as Promise<boolean>, over);
    assert.equal(await bed.web.policy?.refresh(), true);
    const last = bed.web.policy;
    bed.web.delete();
    await assert.rejects(last?.refresh() as Promise<boolean>, { code: 'ERR_TUNVS_CLOSED' });
  });

  it('keeps a client on its server with hash client, and spreads its ports with client-port', async () => {
    const turns = (servers: PolicyServer[]) => Array.from({ length: 999 }, (_, slot) => slot % servers.length);
    const from = (port: number) => tcp({ from: `198.51.100.7:${port}`, to: `${VIP}:80` });
    for (const [hash, most] of [
      ['client', 1],
      ['client-port', 3],
    ] as const) {
      await using bed = new Bed(tablePolicy(turns, { hash }));
      const packets = Array.from({ length: 60 }, (_, i) => from(1024 + i));
      const went = new Set(bed.director.process(packets, 0).outputs.map(({ data }) => data[19]));
      assert.equal(went.size, most);
    }
  });

  const mistakes: [what: string, table: unknown][] = [
    ['an empty table', []],
    ['no table', undefined],
    ['a slot that names no server', [0, 3]],
    ['a slot that is not a number', [0, 'a']],
    ['a fraction', [0.5]],
    ['a negative index', [-1]],
  ];
  for (const [what, table] of mistakes) {
    it(`that answers ${what} leaves the scheduler to decide, and the change comes into force`, async () => {
      let isBroken = true;
      await using bed = new Bed(tablePolicy(() => (isBroken ? table : [1]) as number[], { name: 'wrong' }));
      assert.equal([...bed.open(3)].sort().join(''), 'abc');
      await turn();
      assert.match(bed.events[0]?.message ?? '', /policy "wrong" .* its scheduler rr decides: its table/);
      await assert.rejects(async () => bed.web.policy?.refresh(), { code: 'ERR_TUNVS_POLICY' });
      isBroken = false;
      bed.server('a').delete();
      assert.equal(bed.open(3), 'ccc');
      const { asked, answered, failed } = bed.web.policy?.counters ?? {};
      assert.deepEqual([asked, answered, failed], [3n, 1n, 2n]);
    });
  }

  for (const how of ['edits its service', 'deletes its service', 'begins a transaction', 'refreshes itself'] as const) {
    it(`that ${how} is refused that, and the change that asked it comes into force`, async () => {
      let isAsked = false;
      const misdeeds = {
        'edits its service': () => bed.web.edit({ policy: null }),
        'deletes its service': () => bed.web.delete(),
        'begins a transaction': () => bed.director.transaction(() => {}),
        'refreshes itself': () => void bed.web.policy?.refresh().catch((error) => refused.push(error.code)),
      };
      const refused: string[] = [];
      await using bed = new Bed(
        tablePolicy((servers) => {
          if (isAsked) misdeeds[how]();
          return servers.map((_, index) => index);
        }),
      );
      isAsked = true;
      bed.server('a').weight = 5;
      await Promise.resolve();
      const causes = bed.events.map(({ cause }) => (cause as { code?: string }).code);
      assert.deepEqual([...causes, ...refused], ['ERR_TUNVS_BUSY']);
      assert.deepEqual([bed.web.policy?.kind, bed.server('a').stats().weight], ['table', 5]);
    });
  }

  it('that throws does not hold a dead server in', async () => {
    let isBroken = false;
    const build = () => {
      if (isBroken) throw new Error('broken');
      return [0];
    };
    await using bed = new Bed(tablePolicy(build), 'ab');
    assert.equal(bed.open(2), 'aa');
    isBroken = true;
    bed.server('a').weight = 0;
    assert.equal(bed.open(2), 'bb');
  });
});

describe('a weights policy', () => {
  const weightsOf = ({ web }: Bed) => web.realServers.map((server) => server.stats().effectiveWeight);

  it('is asked at its interval, with what was counted, and its weights come into force', async () => {
    const rates: number[][] = [];
    await using bed = new Bed(
      weightsPolicy(
        (servers) => {
          rates.push(servers.map((each) => each.rates.connections));
          return servers.map(({ totals }) => Number(totals.connections) + 1);
        },
        { intervalMs: 100 },
      ),
    );
    bed.pass(99);
    assert.deepEqual(weightsOf(bed), [1, 1, 1]);
    bed.pass(1);
    bed.open(6);
    bed.pass(100);
    assert.deepEqual(weightsOf(bed), [3, 3, 3]);
    assert.deepEqual(rates, [
      [0, 0, 0],
      [20, 20, 20],
    ]);
    assert.equal(bed.web.policy?.counters.answered, 2n);
  });

  it('changes only what differs, in one transaction', async () => {
    await using bed = new Bed(weightsPolicy(() => [1, undefined, 7], { intervalMs: 100 }));
    const edited: string[] = [];
    bed.director.on('realServer', ({ change, server }) => edited.push(`${change} ${server.address}`));
    bed.pass(100);
    assert.deepEqual(weightsOf(bed), [1, 1, 7]);
    bed.pass(100);
    assert.deepEqual(edited, ['edited 10.0.0.1', 'edited 10.0.0.3']);
    assert.equal(await bed.web.policy?.refresh(), false);
  });

  it('leaves the configured weights, which hold again when it is taken away', async () => {
    await using bed = new Bed(weightsPolicy(() => [1, undefined, 7], { intervalMs: 100 }));
    bed.pass(100);
    bed.server('c').weight = 2;
    assert.deepEqual(weightsOf(bed), [1, 1, 7]);
    assert.deepEqual(
      bed.web.realServers.map(({ weight, assignedWeight }) => [weight, assignedWeight]),
      [
        [1, 1],
        [1, undefined],
        [2, 7],
      ],
    );
    bed.web.edit({ policy: null });
    assert.deepEqual(weightsOf(bed), [1, 1, 2]);
    bed.web.edit({ policy: weightsPolicy(() => [5, 5, 5], { intervalMs: 100 }) });
    assert.deepEqual(weightsOf(bed), [1, 1, 2]);
    bed.pass(100);
    assert.deepEqual(weightsOf(bed), [5, 5, 5]);
    assert.throws(() =>
      bed.director.transaction(() => {
        bed.web.edit({ policy: null });
        throw new Error('taken back');
      }),
    );
    assert.deepEqual(weightsOf(bed), [5, 5, 5]);
    bed.server('a').weight = 3;
    assert.deepEqual(weightsOf(bed), [5, 5, 5]);
  });

  it('gives nothing to a server that is down, drained, or configured with weight 0', async () => {
    await using bed = new Bed(weightsPolicy(() => [4, 4, 4], { intervalMs: 100 }));
    bed.server('a').isUp = false;
    bed.server('b').weight = 0;
    await bed.server('c').drain();
    bed.pass(100);
    assert.deepEqual(weightsOf(bed), [0, 0, 0]);
    bed.server('a').isUp = true;
    bed.server('b').weight = 1;
    bed.server('c').undrain();
    assert.deepEqual(weightsOf(bed), [4, 4, 4]);
  });

  it('whose signal is aborted leaves what it assigned last', async () => {
    const controller = new AbortController();
    await using bed = new Bed(weightsPolicy(() => [4, 4, 4], { intervalMs: 100, signal: controller.signal }));
    bed.pass(100);
    controller.abort();
    assert.deepEqual(weightsOf(bed), [4, 4, 4]);
    bed.web.edit({ policy: null });
    assert.deepEqual(weightsOf(bed), [1, 1, 1]);
  });

  it('assigns nothing where the transaction that gave it to the service has failed', async () => {
    await using bed = new Bed();
    let answer = (_: number[]): void => {};
    const asked = new Promise<number[]>((resolve) => {
      answer = resolve;
    });
    let refreshed: Promise<boolean> | undefined;
    assert.throws(() =>
      bed.director.transaction(() => {
        bed.web.edit({ policy: weightsPolicy(() => asked) });
        refreshed = bed.web.policy?.refresh();
        throw new Error('taken back');
      }),
    );
    answer([7, 7, 7]);
    await assert.rejects(refreshed as Promise<boolean>, { code: 'ERR_TUNVS_CLOSED', message: /has ended/ });
    assert.deepEqual([weightsOf(bed), bed.events], [[1, 1, 1], []]);
  });

  it('assigns nothing more in the transaction that takes it away, and goes on when that fails', async () => {
    await using bed = new Bed(weightsPolicy(() => [7, 7, 7]));
    const taken = bed.web.policy;
    assert.ok(taken);
    const takeAway = () => {
      bed.web.edit({ policy: null });
      return taken.refresh();
    };
    let refused: Promise<boolean> | undefined;
    assert.throws(() =>
      bed.director.transaction(() => {
        refused = takeAway();
        throw new Error('taken back');
      }),
    );
    await assert.rejects(refused as Promise<boolean>, { code: 'ERR_TUNVS_CLOSED' });
    assert.deepEqual([await taken.refresh(), weightsOf(bed)], [true, [7, 7, 7]]);
    bed.director.transaction(() => {
      refused = takeAway();
    });
    await assert.rejects(refused as Promise<boolean>, { code: 'ERR_TUNVS_CLOSED' });
    assert.deepEqual(weightsOf(bed), [1, 1, 1]);
  });

  it('may wait for its answer, and is not asked again meanwhile', async () => {
    const answers: ((weights: Map<string, number>) => void)[] = [];
    await using bed = new Bed(
      weightsPolicy(() => new Promise<Map<string, number>>((resolve) => answers.push(resolve)), { intervalMs: 100 }),
    );
    bed.pass(100);
    bed.pass(100);
    bed.pass(100);
    assert.equal(answers.length, 1);
    const pending = bed.web.policy?.refresh();
    bed.server('a').delete();
    answers[0]?.(
      new Map([
        ['10.0.0.1:80', 9],
        ['10.0.0.2:80', 4],
      ]),
    );
    assert.equal(await pending, true);
    assert.deepEqual(weightsOf(bed), [4, 1]);
    const { asked, answered, late } = bed.web.policy?.counters ?? {};
    assert.deepEqual([asked, answered, late], [1n, 1n, 2n]);
    bed.pass(100);
    assert.equal(answers.length, 2);
  });

  const mistakes: [what: string, answer: unknown][] = [
    ['a negative weight', [1, 2, -1]],
    ['a fraction', [1, 2, 1.5]],
    ['too few weights', [1]],
    ['a server that is none', new Map([['10.0.0.9:80', 1]])],
    ['nothing', undefined],
  ];
  for (const [what, answer] of mistakes) {
    it(`that answers ${what} leaves all weights, and says so once in a burst`, async () => {
      await using bed = new Bed(weightsPolicy(() => answer as number[], { intervalMs: 100 }));
      for (let i = 0; i < 3; i++) bed.pass(100);
      await turn();
      assert.deepEqual(weightsOf(bed), [1, 1, 1]);
      assert.equal(bed.events.length, 1);
      assert.match(bed.events[0]?.message ?? '', /failed, so the weights stay: its weight/);
      assert.equal(bed.web.policy?.counters.failed, 3n);
    });
  }

  it('that rejects leaves all weights', async () => {
    await using bed = new Bed(weightsPolicy(() => Promise.reject(new Error('down')), { name: 'probe' }));
    await assert.rejects(async () => bed.web.policy?.refresh(), {
      code: 'ERR_TUNVS_POLICY',
      message: /policy "probe" .* down/,
    });
    assert.deepEqual(weightsOf(bed), [1, 1, 1]);
  });

  it('ends with its signal, with its service and with the director', async () => {
    let asked = 0;
    const signals: AbortSignal[] = [];
    const controller = new AbortController();
    const policy = (signal?: AbortSignal) =>
      weightsPolicy(
        (_, context) => {
          asked += 1;
          signals.push(context.signal);
          return new Map();
        },
        { intervalMs: 100, ...(signal && { signal }) },
      );
    await using bed = new Bed(policy(controller.signal));
    bed.pass(100);
    controller.abort();
    bed.pass(100);
    assert.equal(asked, 1);
    await assert.rejects(async () => bed.web.policy?.refresh(), { code: 'ERR_TUNVS_CLOSED' });
    bed.web.edit({ policy: policy() });
    bed.pass(100);
    assert.equal(asked, 2);
    bed.web.delete();
    bed.pass(100);
    assert.equal(asked, 2);
    assert.ok(signals.every(({ aborted }) => aborted));
  });
});

describe('the policy of a service', () => {
  it('has to be made by one of the three functions', async () => {
    await using bed = new Bed();
    for (const policy of [() => 0, {}, 'maglev'])
      assert.throws(() => bed.web.edit({ policy: policy as unknown as Policy }), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        message: /policy: expected a policy made by tablePolicy\(\), weightsPolicy\(\) or connectionPolicy\(\)/,
      });
    assert.throws(() => connectionPolicy(undefined as never), /connectionPolicy: decide: expected a function/);
    assert.throws(
      () => connectionPolicy(() => 0, { deadlineMs: 0 }),
      /deadlineMs: expected an integer from 1 to 10000/,
    );
    assert.throws(() => connectionPolicy(() => 0, { packetBytes: 257 }), /packetBytes: expected an integer from 0/);
    assert.throws(() => tablePolicy(() => [0], { size: 0 }), /size: expected an integer from 1/);
    assert.throws(() => weightsPolicy(() => [], { intervalMs: 1 }), /intervalMs: expected a number/);
  });

  it('may be one policy for several services, which count for themselves', async () => {
    const policy = connectionPolicy(() => 0);
    await using bed = new Bed(policy);
    const other = bed.director.addVirtualService({ ...WEB, port: 81, policy });
    other.addRealServer({ address: '10.0.0.9' });
    const packets = [80, 81, 81].map((port, i) => tcp({ from: `198.51.100.9:${2000 + i}`, to: `${VIP}:${port}` }));
    assert.deepEqual(
      bed.director.process(packets, 0).outputs.map(({ data }) => data[19]),
      [1, 9, 9],
    );
    assert.deepEqual([bed.web.policy?.counters.asked, other.policy?.counters.asked], [1n, 2n]);
  });

  it('is explained, and a connection policy is not asked for that', async () => {
    let asked = 0;
    const decide = () => {
      asked += 1;
      return 2;
    };
    const packet = tcp({ from: '198.51.100.9:2000', to: `${VIP}:80` });
    await using bed = new Bed(connectionPolicy(decide, { name: 'mine' }));
    const { by, text, policy } = bed.director.explain(packet);
    assert.deepEqual([by, policy], ['scheduler', { kind: 'connection', name: 'mine' }]);
    assert.match(
      text,
      /^To the real server that the policy "mine" of .* names; if it names none, to real server 10\.0\.0\.3:80, chosen/,
    );
    assert.equal(asked, 0);
    bed.web.edit({ policy: tablePolicy(() => [1], { name: 'its' }) });
    const tabled = bed.director.explain(packet);
    assert.deepEqual([tabled.by, tabled.realServer?.address], ['table', '10.0.0.2']);
    assert.match(tabled.text, /by the table of the policy "its"/);
  });
});
