/** Rings on a host that changes: devices go and come back, rules are flushed, directors are killed. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { eventually } from '../support/eventually.js';
import { describeLab, type LabHost, PORT, TestStage, UPLINK } from '../support/lab.js';

/** The labs of the fast path are run with it wherever it can be, and here it would leave the ring nothing. */
const withoutFastPath = { fastPath: 'off' } as const;

describeLab('a ring', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await TestStage.open({ ipv6: true, realServers: 2 });
  });

  after(async () => {
    await stage?.close();
  });

  afterEach(async () => {
    await director?.close().catch(() => {});
  });

  async function open(name = 'tunvs0'): Promise<DirectorAgent> {
    const { directorAddress, directorAddress6 } = stage.topology;
    const source = [directorAddress, directorAddress6];
    return DirectorAgent.open(stage.director, {
      ...{ source, device: { name, queues: 1 }, rings: [UPLINK] },
      ...withoutFastPath,
    });
  }

  async function serve(opened: DirectorAgent, address: string): Promise<void> {
    const isIpv6 = address.includes(':');
    const servers = stage.servers.map((each) => ({ address: isIpv6 ? each.address6 : each.address }));
    await addService(opened, { address, port: PORT, scheduler: 'rr', servers });
  }

  const ring = (opened: DirectorAgent) => opened.run((d) => d.device?.rings[0]);
  const takes = (prefixes: number) => (seen: Awaited<ReturnType<typeof ring>>) =>
    seen?.reason === '' && seen.prefixes === prefixes;
  const ruleset = async () => (await stage.director.exec(['nft', 'list', 'ruleset'])).stdout;

  /** Returns how many packets the host has routed to the device. */
  async function byTheHost(device = 'tunvs0'): Promise<number> {
    return Number((await stage.director.deviceCounters(device))?.sentPackets);
  }

  async function answersBy(address: string, isByRing: boolean): Promise<void> {
    const before = await byTheHost();
    const { failures } = await stage.fetchMany({ address, requests: 20, concurrency: 5 });
    assert.deepEqual(failures, []);
    const routed = (await byTheHost()) - before;
    assert.equal(routed < 20, isByRing, `the host has routed ${routed} packets`);
  }

  it('takes the addresses of services as they come and go, of both families', async () => {
    director = await open();
    assert.deepEqual(await ring(director), {
      ...{ device: UPLINK, isTaking: true, reason: '', prefixes: 0, dropped: 0 },
    });
    assert.doesNotMatch(await ruleset(), /tunvs/);
    const { virtualAddress, virtualAddress6 } = stage.topology;
    for (const address of [virtualAddress, virtualAddress6]) await serve(director, address);
    await eventually(() => ring(director), takes(2), 'the ring');
    for (const address of [virtualAddress, virtualAddress6]) await answersBy(address, true);
    await director.run((d) => {
      for (const service of d.virtualServices) if (service.address.includes(':')) service.delete();
    });
    await eventually(() => ring(director), takes(1), 'the ring');
    assert.doesNotMatch(await ruleset(), /v6/);
    await director.close();
    assert.doesNotMatch(await ruleset(), /tunvs/);
  });

  it('keeps its rule when others flush theirs', async () => {
    director = await open();
    await serve(director, stage.virtualAddress);
    await eventually(() => ring(director), takes(1), 'the ring');
    await stage.director.exec(['nft', 'flush', 'ruleset']);
    assert.match(await ruleset(), /tunvs/);
    await answersBy(stage.virtualAddress, true);
  });

  it('follows a device that is renamed, and takes up one that comes back', async () => {
    director = await open();
    await serve(director, stage.virtualAddress);
    await eventually(() => ring(director), takes(1), 'the ring');
    // The uplink carries the lab, so a device of its own stands for it.
    const { directorAddress } = stage.topology;
    await director.close();
    const host: LabHost = stage.director;
    host.ip(['link add side0 type veth peer name side1', 'link set side0 up', 'link set side1 up']);
    director = await DirectorAgent.open(host, {
      ...{ source: directorAddress, device: { name: 'tunvs0', queues: 2 }, rings: ['side0'] },
      ...withoutFastPath,
    });
    await serve(director, stage.virtualAddress);
    await eventually(() => ring(director), takes(1), 'the ring');
    host.ip(['link set side0 down', 'link set side0 name other0', 'link set other0 up']);
    await eventually(
      () => ring(director),
      (seen) => seen?.device === 'other0' && seen.reason === '',
      'the ring',
    );
    assert.match(await ruleset(), /device "?other0"?/);
    host.ip(['link del other0']);
    const gone = await eventually(
      () => ring(director),
      (seen) => seen?.reason !== '',
      'the ring',
    );
    assert.equal(gone?.reason, "a ring's device other0 is gone");
    assert.equal(gone?.isTaking, false);
    assert.equal(await director.run((d) => d.warnings.filter((each) => each.includes('ring')).length), 0);
    host.ip(['link add side0 type veth peer name side1', 'link set side0 up', 'link set side1 up']);
    await eventually(() => ring(director), takes(1), 'the ring');
    assert.match(await ruleset(), /device "?side0"?/);
    const types = await director.run((d) => Object.entries(d.eventCounts).filter(([, count]) => count > 0));
    assert.ok(
      types.some(([type]) => type === 'ringChanged'),
      JSON.stringify(types),
    );
    host.ip(['link del side0']);
  });

  it('leaves nothing behind that keeps packets from the host when its director is killed', async () => {
    director = await open();
    await serve(director, stage.virtualAddress);
    await eventually(() => ring(director), takes(1), 'the ring');
    await director.kill();
    await eventually(ruleset, (rules) => !rules.includes('tunvs'), 'the rules');
    director = await open();
    await serve(director, stage.virtualAddress);
    await eventually(() => ring(director), takes(1), 'the ring');
    await answersBy(stage.virtualAddress, true);
  });

  it('shares a device with the ring of another director', async () => {
    director = await open();
    await serve(director, stage.virtualAddress);
    const second = await open('tunvs1');
    try {
      await serve(second, stage.topology.virtualAddress6);
      await eventually(() => ring(second), takes(1), 'the ring');
      await answersBy(stage.virtualAddress, true);
      await answersBy(stage.topology.virtualAddress6, true);
      assert.equal(await second.run((d) => Number(d.stats().counters.forwarded) > 0), true);
    } finally {
      await second.close();
    }
    await answersBy(stage.virtualAddress, true);
  });

  it('refuses a device that is not there, and one whose packets it can not take as they come', async () => {
    const { directorAddress } = stage.topology;
    const reason = (rings: string[]) =>
      DirectorAgent.open(stage.director, { source: directorAddress, rings, ...withoutFastPath }).then(
        () => 'opened',
        (error: Error) => error.message,
      );
    assert.match(await reason(['nowhere0']), /a ring finds no device nowhere0: name one that is there/);
    assert.match(
      await reason(['lo']),
      /a ring can't read what comes in by lo: what comes in there was sent by this host/,
    );
  });
});
