import { strict as assert } from 'node:assert';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { type Connection, Director, type OfflineOptions, timeoutStates } from '../../lib/index.js';
import { readOuter, tcp, toHex, udp } from '../support/packets.js';
import { describePacket } from '../support/packets-read.js';

const SOURCE = '10.0.0.1';
const WEB = { protocol: 'tcp', address: '192.0.2.1', port: 80 } as const;
const DNS = { protocol: 'udp', address: '192.0.2.1', port: 53 } as const;
const client = (port: number) => ({ from: `198.51.100.7:${port}`, to: '192.0.2.1:80' });

function offline(options: Partial<OfflineOptions> = {}) {
  return Director.offline({ source: SOURCE, maxConnections: 1024, ...options });
}

function withWeb(scheduler: 'rr' | 'wlc' = 'rr', weights = [1, 1]) {
  const director = offline();
  const web = director.addVirtualService({ ...WEB, scheduler });
  const servers = weights.map((weight, i) => web.addRealServer({ address: `10.0.0.${11 + i}`, weight }));
  return { director, web, servers };
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

describe('an offline director', () => {
  it('puts an outer header on packets, from the source to the chosen real server', () => {
    const { director } = withWeb();
    const packets = [1, 2, 3].map((port) => tcp(client(port)));
    const { outputs, verdicts } = director.process(packets, 0);
    assert.deepEqual(verdicts, ['forwarded', 'forwarded', 'forwarded']);
    assert.deepEqual(
      outputs.map((output) => output.cause),
      [0, 1, 2],
    );
    const [first, second, third] = outputs.map((output) => readOuter(output.data));
    assert.equal(first?.source, SOURCE);
    assert.equal(
      toHex(first?.inner ?? new Uint8Array()),
      toHex(packets[0] ?? new Uint8Array()),
      'the packet is untouched',
    );
    assert.notEqual(first?.destination, second?.destination);
    assert.equal(first?.destination, third?.destination);
  });

  it('leaves the packets that it is handed as they are', () => {
    const { director } = withWeb();
    const packet = tcp(client(1));
    const before = toHex(packet);
    director.process(packet, 0);
    assert.equal(toHex(packet), before);
  });

  it('says what became of each packet, in words that are counters', () => {
    const { director } = withWeb();
    const packets = [tcp(client(1)), udp(client(1)), tcp({ ...client(2), flags: 'A' }), tcp(client(3)).slice(0, 10)];
    const { verdicts, outputs } = director.process(packets, 0);
    assert.deepEqual(verdicts, ['forwarded', 'dropNoService', 'dropNotScheduled', 'dropTruncated']);
    assert.deepEqual(
      outputs.map(({ data, cause }) => [cause, describePacket(data).split(' 1', 1)[0]]),
      [
        [0, 'ipip'],
        [1, 'icmp port-unreachable'],
        [2, 'tcp R'],
      ],
    );
    const { counters } = director.stats();
    for (const verdict of verdicts) assert.equal(counters[verdict], 1n, verdict);
    assert.equal(counters.received, 4n);
  });

  it('has a clock that only its caller moves', () => {
    const { director } = withWeb();
    director.process([tcp(client(1)), tcp(client(2))], Float64Array.of(10, 2500));
    assert.equal(director.stats().atMs, 2500);
    director.advance(70_000);
    assert.equal(director.stats().atMs, 70_000);
    assert.equal(director.stats().table.ipv4, 0, 'SYN_RECV is 60 s');
  });

  const wrongTimes: [what: string, act: (director: ReturnType<typeof offline>) => void, message: RegExp][] = [
    [
      'a time before the last',
      (director) => director.process(tcp(client(2)), 999),
      /process: atMs: .* at least 1000, got 999/,
    ],
    [
      'times that go back',
      (director) => director.process([tcp(client(2)), tcp(client(3))], Float64Array.of(2000, 1999)),
      /at least 2000, got 1999/,
    ],
    [
      'fewer times than packets',
      (director) => director.process([tcp(client(2)), tcp(client(3))], Float64Array.of(2000)),
      /one time for each of the 2 packets/,
    ],
    ['no time', (director) => director.process(tcp(client(2)), undefined as unknown as number), /process: atMs/],
    ['an endless time', (director) => director.advance(Number.POSITIVE_INFINITY), /advance: atMs/],
    [
      'packets that are none',
      (director) => director.process(['x'] as unknown as Uint8Array[], 2000),
      /process: packets: expected a Uint8Array/,
    ],
  ];
  for (const [what, act, message] of wrongTimes) {
    it(`refuses ${what}, and takes no packet`, () => {
      const { director } = withWeb();
      director.process(tcp(client(1)), 1000);
      assert.throws(() => act(director), { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
      assert.equal(director.stats().counters.received, 1n);
    });
  }

  it('does the same with the same seed, and something else with another', async () => {
    const run = async (seed: number) => {
      await using director = Director.offline({ source: SOURCE, seed });
      const web = director.addVirtualService({ ...WEB, scheduler: 'p2c' });
      for (const last of [1, 2, 3]) web.addRealServer({ address: `10.0.0.${last}` });
      const packets = Array.from({ length: 100 }, (_, i) => tcp(client(1000 + i)));
      return director.process(packets, 0).outputs.map((output) => toHex(output.data));
    };
    assert.deepEqual(await run(7), await run(7));
    assert.notDeepEqual(await run(7), await run(8));
  });

  it('takes nothing for no packets', () => {
    const { director } = withWeb();
    assert.deepEqual(director.process([], 5), { outputs: [], verdicts: [] });
    assert.equal(director.stats().atMs, 0);
  });

  it('cannot be watched', async () => {
    const { director } = withWeb();
    assert.throws(() => director.watch(), { code: 'ERR_TUNVS_UNSUPPORTED', message: /no clock/ });
  });

  it('has no device, no workers and no warnings', () => {
    const { director } = withWeb();
    assert.equal(director.device, undefined);
    assert.deepEqual(director.workerCpu(), []);
    const { residentBytes, hugeBytes } = director.tablePages();
    assert(residentBytes > 0 && residentBytes <= director.stats().table.bytes, `${residentBytes}`);
    assert(hugeBytes <= residentBytes, `${hugeBytes}`);
    assert.deepEqual(director.warnings, []);
    assert.deepEqual(director.sources, [SOURCE]);
  });
});

describe('a director', () => {
  it('counts per service and real server', () => {
    const { director, web, servers } = withWeb();
    director.process(
      [1, 2, 3].flatMap((port) => [tcp(client(port)), tcp({ ...client(port), flags: 'A' })]),
      0,
    );
    const stats = web.stats();
    assert.equal(stats.totals.connections, 3n);
    assert.equal(stats.totals.inPackets, 6n);
    assert.equal(stats.totals.inBytes, 6n * 40n);
    assert.equal(stats.totals.outPackets, 0n);
    assert.deepEqual(
      stats.servers.map((server) => server.address),
      ['10.0.0.12', '10.0.0.11'],
      'newest first',
    );
    const [first, second] = servers.map((server) => server.stats());
    assert.equal((first?.totals.connections ?? 0n) + (second?.totals.connections ?? 0n), 3n);
    assert.equal((first?.activeConnections ?? 0) + (second?.activeConnections ?? 0), 3);
    assert.deepEqual(director.stats().totals, stats.totals);
    assert.deepEqual(director.stats().services, [stats]);
  });

  it('zeroes a service alone, and everything', () => {
    const { director, web } = withWeb();
    director.addVirtualService(DNS).addRealServer({ address: '10.0.0.11' });
    const datagram = udp({ from: '198.51.100.7:1', to: '192.0.2.1:53' });
    director.process([tcp(client(1)), datagram], 0);
    web.zero();
    assert.equal(web.stats().totals.connections, 0n);
    assert.equal(director.virtualService(DNS)?.stats().totals.connections, 1n);
    director.zero();
    assert.equal(director.stats().totals.connections, 0n);
    assert.equal(director.stats().table.ipv4, 2, 'connections stay');
  });

  it('shows its connections', async () => {
    const { director } = withWeb('rr', [1]);
    director.addVirtualService(DNS).addRealServer({ address: '10.0.0.11' });
    director.process([tcp(client(1000)), udp({ from: '198.51.100.7:2000', to: '192.0.2.1:53' })], 0);
    const web: Connection = {
      kind: 'connection',
      protocol: 'tcp',
      clientAddress: '198.51.100.7',
      clientPort: 1000,
      virtualAddress: '192.0.2.1',
      virtualPort: 80,
      serverAddress: '10.0.0.11',
      serverPort: 80,
      state: 'SYN_RECV',
      expiresMs: 60_000,
      active: true,
      controlled: 0,
    };
    assert.deepEqual(await all(director.connections({ protocol: 'tcp' })), [web]);
    assert.equal((await all(director.connections())).length, 2);
    assert.deepEqual(
      (await all(director.connections({ state: 'UDP' }))).map((each) => each.expiresMs),
      [300_000],
    );
  });

  it('goes through more connections than a page holds, each once', async () => {
    const { director } = withWeb('rr', [1, 1, 1]);
    const ports = Array.from({ length: 900 }, (_, i) => 2000 + i);
    director.process(
      ports.map((port) => tcp(client(port))),
      0,
    );
    const seen = (await all(director.connections())).map((each) => each.clientPort);
    assert.deepEqual(
      seen.sort((a, b) => a - b),
      ports,
    );
  });

  it('changes in a transaction as one, or not at all', () => {
    const { director, web } = withWeb('rr', [1]);
    assert.throws(
      () =>
        director.transaction((t) => {
          web.addRealServer({ address: '10.0.0.12' });
          t.addVirtualService(DNS);
          throw new Error('second thoughts');
        }),
      /second thoughts/,
    );
    assert.equal(director.stats().services.length, 1);
    assert.equal(director.stats().services[0]?.servers.length, 1);
    const dns = director.transaction((t) => {
      const added = t.addVirtualService({ ...DNS, scheduler: 'wrr' });
      added.addRealServer({ address: '10.0.0.12', weight: 2 });
      web.delete();
      return added;
    });
    assert.equal(dns.scheduler, 'wrr');
    assert.deepEqual(
      director.stats().services.map((service) => [service.protocol, service.servers.length]),
      [['udp', 1]],
    );
    assert.throws(() => director.transaction('x' as unknown as () => void), { code: 'ERR_TUNVS_INVALID_ARGUMENT' });
  });

  it('gives a server that comes back its connections and counters', () => {
    const { director, web, servers } = withWeb('rr', [1]);
    director.process(tcp(client(1)), 0);
    servers[0]?.delete();
    assert.deepEqual(director.process(tcp({ ...client(1), flags: 'A' }), 10).verdicts, ['dropServerGone']);
    const back = web.addRealServer({ address: '10.0.0.11' });
    assert.equal(back.stats().totals.connections, 1n);
    assert.deepEqual(director.process(tcp({ ...client(1), flags: 'A' }), 20).verdicts, ['forwarded']);
  });

  it('drains a server: no new connections, and done with the last one', async () => {
    const { director, servers } = withWeb();
    director.process([tcp(client(1)), tcp(client(2))], 0);
    const [kept, drained] = servers;
    let isDone = false;
    const done = drained?.drain().then(() => {
      isDone = true;
    });
    const { outputs } = director.process(
      [3, 4, 5].map((port) => tcp(client(port))),
      1000,
    );
    assert.deepEqual(new Set(outputs.map((output) => readOuter(output.data).destination)), new Set([kept?.address]));
    await new Promise((resolve) => setImmediate(resolve));
    assert.equal(isDone, false);
    director.advance(61_000);
    await done;
    assert.deepEqual([drained?.weight, drained?.stats().effectiveWeight], [1, 0]);
  });

  it('sets timeouts and leaves out what is left out', () => {
    const { director } = withWeb();
    assert.deepEqual(director.timeouts, { tcp: 900, tcpFin: 120, udp: 300 });
    director.setTimeouts({ tcp: 60 });
    director.setTimeouts({ udp: 10, tcpFin: 0 });
    assert.deepEqual(director.timeouts, { tcp: 60, tcpFin: 120, udp: 10 });
    assert.throws(() => director.setTimeouts({ tcp: 2_678_401 }), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message: /setTimeouts: tcp: .* from 0 to 2678400/,
    });
    assert.throws(() => director.setTimeouts({ TCP: 1 } as object), /no option "TCP"/);
  });

  it('sets the timeout of every state, under either of its names', () => {
    const { director } = withWeb();
    assert.deepEqual(Object.keys(director.stateTimeouts), timeoutStates);
    for (const [index, state] of timeoutStates.entries()) director.setTimeouts({ [state]: 1000 + index });
    assert.deepEqual(
      director.stateTimeouts,
      Object.fromEntries(timeoutStates.map((state, index) => [state, 1000 + index])),
    );
    director.setTimeouts({ tcp: 7, established: 7, finWait: 8, timeWait: 0 });
    assert.deepEqual(director.timeouts, { tcp: 7, tcpFin: 8, udp: director.stateTimeouts.udp });
    assert.equal(director.stateTimeouts.timeWait, 1000 + timeoutStates.indexOf('timeWait'));
    assert.throws(() => director.setTimeouts({ tcp: 7, established: 8 }), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message: /setTimeouts: established: expected 7, .* other name, got 8/,
    });
    assert.throws(() => director.setTimeouts({ sctpInit: -1 }), /setTimeouts: sctpInit: .* from 0 to 2678400/);
  });

  it("gives a service's connections its own timeouts", async () => {
    const { director, web } = withWeb();
    web.edit({ timeouts: { synRecv: 5, established: 3600 } });
    const seconds = async () => {
      for await (const { expiresMs } of director.connections()) return expiresMs / 1000;
      return undefined;
    };
    director.process(tcp({ ...client(1), flags: 'S' }), 0);
    assert.equal(await seconds(), 5);
    director.process(tcp({ ...client(1), flags: 'A' }), 0);
    assert.equal(await seconds(), 3600);
    assert.deepEqual(director.stats().services[0]?.timeouts, { established: 3600, synRecv: 5 });
    web.edit({ scheduler: 'rr' });
    assert.deepEqual(web.timeouts, { synRecv: 5, established: 3600 });
    web.edit({ timeouts: {} });
    director.process(tcp({ ...client(1), flags: 'A' }), 0);
    assert.equal(await seconds(), 900);
    assert.deepEqual([web.timeouts, director.stats().services[0]?.timeouts], [{}, {}]);
  });

  it('defends itself by the sysctls of IPVS', () => {
    const { director } = withWeb();
    director.setSysctl('drop_packet', 3);
    director.setSysctl('am_droprate', 2);
    const { verdicts, outputs } = director.process(
      [1, 2, 3, 4].map((port) => tcp(client(port))),
      0,
    );
    assert.deepEqual(verdicts, ['dropDefence', 'forwarded', 'dropDefence', 'forwarded']);
    assert.equal(outputs.length, 2);
    director.setSysctl('drop_packet', 2);
    assert.equal(director.sysctls.drop_packet, 1, 'an offline director has plenty of memory');
  });

  it('keeps a sysctl that has no effect, and says so', () => {
    const { director } = withWeb();
    const told: unknown[] = [];
    const listen = (message: unknown) => told.push(message);
    subscribe('tunvs:warning', listen);
    try {
      director.setSysctl('est_nice', -5);
      director.setSysctl('sloppy_tcp', 1);
    } finally {
      unsubscribe('tunvs:warning', listen);
    }
    assert.equal(director.sysctls.est_nice, -5);
    assert.deepEqual(told, [
      {
        director,
        message: 'net.ipv4.vs.est_nice has no effect here: rates are worked out by whoever reads them',
        about: 'configuration',
      },
    ]);
    for (const [name, why] of [
      [
        'cache_bypass',
        /^setSysctl: name: net\.ipv4\.vs\.cache_bypass is refused: the director cannot send .*leave it out$/,
      ],
      ['est_cpulist', /est_cpulist is refused: it is not a number/],
    ] as const)
      assert.throws(() => director.setSysctl(name, 1), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        option: 'name',
        message: why,
      });
  });

  it('refuses a virtual address that is a source of its own, and takes a range around it', async () => {
    await using director = Director.offline({ source: ['10.2.0.2', '2001:db8::2'], maxConnections: 1024 });
    for (const address of ['10.2.0.2', '2001:db8:0::2'])
      assert.throws(() => director.addVirtualService({ protocol: 'tcp', address, port: 80 }), {
        code: 'ERR_TUNVS_INVALID_ARGUMENT',
        option: 'address',
        message:
          /^addVirtualService: address: expected an address other than the source, which is the director's own, got/,
      });
    director.addVirtualService({ protocol: 'tcp', address: '10.2.0.0/28', port: 80 });
  });

  it("sets sysctls by IPVS's names, with or without their prefix", () => {
    const { director } = withWeb();
    director.setSysctl('sloppy_tcp', 1);
    director.setSysctl('net.ipv4.vs.conn_reuse_mode', 3);
    assert.equal(director.sysctls.sloppy_tcp, 1);
    assert.equal(director.sysctls.conn_reuse_mode, 3);
    assert.deepEqual(
      director.process(tcp({ ...client(1), flags: 'A' }), 0).verdicts,
      ['forwarded'],
      'sloppy_tcp is in force',
    );
    assert.throws(() => director.setSysctl('sloppy', 1), {
      code: 'ERR_TUNVS_INVALID_ARGUMENT',
      message: /setSysctl: name: expected one of .*'sloppy_tcp'/,
    });
    const refused = { code: 'ERR_TUNVS_INVALID_ARGUMENT', option: 'value' };
    assert.throws(() => director.setSysctl('sloppy_tcp', 2), {
      ...refused,
      message: 'setSysctl: value: net.ipv4.vs.sloppy_tcp takes 0 to 1, not 2',
    });
    assert.throws(() => director.setSysctl('sloppy_tcp', 0.5), { ...refused, message: /^setSysctl: value: expected / });
  });

  it('tells of changes by events and on diagnostics channels', async () => {
    const { director, web } = withWeb('rr', [1]);
    const events: string[] = [];
    const published: string[] = [];
    const names = ['tunvs:service', 'tunvs:server', 'tunvs:close'] as const;
    const listeners = names.map((name) => (message: unknown) => {
      if ((message as { director: Director }).director === director) published.push(name);
    });
    names.forEach((name, i) => void subscribe(name, listeners[i] as () => void));
    director.on('virtualService', ({ change, service }) => events.push(`${change} ${service.protocol}`));
    director.on('realServer', ({ change, server }) => events.push(`${change} ${server.address}`));
    director.on('close', () => events.push('close'));
    director.addVirtualService(DNS);
    web.addRealServer({ address: '10.0.0.12' }).edit({ weight: 5 });
    web.delete();
    await director.close();
    names.forEach((name, i) => void unsubscribe(name, listeners[i] as () => void));
    assert.deepEqual(events, ['added udp', 'added 10.0.0.12', 'edited 10.0.0.12', 'deleted tcp', 'close']);
    assert.deepEqual(published, ['tunvs:service', 'tunvs:server', 'tunvs:server', 'tunvs:service', 'tunvs:close']);
  });
});

describe('closing a director', () => {
  it('twice is fine, and closed is told once', async () => {
    const { director } = withWeb();
    let told = 0;
    director.on('close', () => {
      told += 1;
    });
    await Promise.all([director.close(), director.close()]);
    await director.close();
    assert.equal(told, 1);
  });

  it('is told once to a listener that closes it again', async () => {
    const { director } = withWeb();
    let told = 0;
    director.on('close', () => {
      told += 1;
      if (told === 1) void director.close();
    });
    await director.close();
    assert.equal(told, 1);
  });

  it('makes every other call throw ERR_TUNVS_CLOSED, those of handles included', async () => {
    const { director, web, servers } = withWeb();
    const [server] = servers;
    const connections = director.connections();
    await director.close();
    for (const call of [
      () => director.addVirtualService(DNS),
      () => director.virtualService(WEB),
      () => director.virtualServices,
      () => director.deleteVirtualService(WEB),
      () => director.transaction(() => {}),
      () => director.clear(),
      () => director.zero(),
      () => director.stats(),
      () => director.watch(),
      () => director.connections(),
      () => director.timeouts,
      () => director.setTimeouts({}),
      () => director.sysctls,
      () => director.setSysctl('sloppy_tcp', 1),
      () => director.workerCpu(),
      () => director.tablePages(),
      () => director.process(tcp(client(1)), 0),
      () => director.advance(1),
      () => web.scheduler,
      () => web.realServers,
      () => web.addRealServer({ address: '10.0.0.13' }),
      () => web.edit({}),
      () => web.stats(),
      () => web.delete(),
      () => server?.weight,
      () => server?.edit({}),
      () => server?.stats(),
      () => server?.delete(),
    ]) {
      assert.throws(call, { name: 'TunvsError', code: 'ERR_TUNVS_CLOSED' }, `${call}`);
    }
    await assert.rejects(connections.next(), { code: 'ERR_TUNVS_CLOSED' });
    await assert.rejects(async () => server?.drain(), { code: 'ERR_TUNVS_CLOSED' });
  });

  it('ends a drain', async () => {
    const { director, servers } = withWeb('rr', [1]);
    director.process(tcp(client(1)), 0);
    const drained = assert.rejects(async () => servers[0]?.drain(), { code: 'ERR_TUNVS_CLOSED' });
    await director.close();
    await drained;
  });

  it('is what await using does', async () => {
    const { director } = withWeb();
    await director[Symbol.asyncDispose]();
    assert.throws(() => director.stats(), { code: 'ERR_TUNVS_CLOSED' });
  });
});
