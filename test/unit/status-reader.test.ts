import { strict as assert } from 'node:assert';
import { HealthSlot } from '../../lib/health/view.js';
import { monitorHealth, tcpCheck } from '../../lib/health/index.js';
import { Director } from '../../lib/index.js';
import { StatusReader } from '../../lib/daemon/status-reader.js';
import { tcp } from '../support/packets.js';
import { measuredDirector, ODD_NAME } from '../support/measured-director.js';

const OPTIONS = { name: 'web', version: '1.2.3', intervalMs: 20 };

/** Handles the packet while the status is being read, so that there are rates. */
const syn = (port: number, to = '192.0.2.1:80') => tcp({ from: `198.51.100.8:${port}`, to, flags: 'S' });

describe('StatusReader', () => {
  it('reads plain values that JSON keeps as they are', async () => {
    const reader = new StatusReader(measuredDirector(), OPTIONS);
    const status = await reader.read();
    assert.deepEqual(JSON.parse(JSON.stringify(status)), status);
    assert.equal(status.name, 'web');
    assert.equal(status.version, '1.2.3');
    assert.equal(status.pid, process.pid);
    assert.deepEqual(status.sources, ['10.2.0.2']);
    assert.equal(status.device, undefined);
    assert.deepEqual(status.drops, [{ kind: 'dropped', reason: 'no_service', packets: 1, perSecond: 0 }]);
    assert.equal(status.table.ipv4, 1);
    assert.equal(status.table.capacity, 1024);
  });

  it('has services and servers in the order of adding, and why a server gets no connections', async () => {
    const director = measuredDirector();
    const web = director.virtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    const draining = web?.addRealServer({ address: '10.3.0.21' });
    void draining?.drain().catch(() => {});
    web?.addRealServer({ address: '10.3.0.22', weight: 0 });
    const { services } = await new StatusReader(director, OPTIONS).read();
    assert.deepEqual(
      services.map(({ name }) => name),
      ['tcp 192.0.2.1:80', 'udp 192.0.2.0/28:5000-5010', 'mark 31', 'mark 31 IPv6', 'tcp 192.0.2.2:443'],
    );
    const states = services[0]?.servers.map(({ name, state }) => [name, state]);
    assert.deepEqual(states, [
      ['10.3.0.11:80', 'up'],
      ['10.3.0.12:80', 'down'],
      ['10.3.0.21:80', 'draining'],
      ['10.3.0.22:80', 'weight 0'],
    ]);
    assert.equal(services[0]?.activeConnections, 1);
    assert.deepEqual(services[4]?.policy, { kind: 'table', name: ODD_NAME, failed: services[4]?.policy?.failed });
    assert.equal(services[1]?.lastPort, 5010);
    assert.equal(services[2]?.mark, 31);
  });

  it('says overloaded of a server at its upper threshold', async () => {
    const director = measuredDirector();
    const web = director.virtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    for (const server of web?.realServers ?? []) server.edit({ upperThreshold: 1, lowerThreshold: 0 });
    director.process(syn(1), 1);
    const { services } = await new StatusReader(director, OPTIONS).read();
    assert.equal(services[0]?.servers.find(({ address }) => address === '10.3.0.11')?.state, 'overloaded');
  });

  it('tells rates between its two readings, of drops too', async () => {
    const director = measuredDirector();
    const reading = new StatusReader(director, OPTIONS).read();
    director.process([syn(1), syn(2), syn(3, '192.0.2.1:81')], 1);
    const { rates, services, drops, intervalMs } = await reading;
    assert.ok(intervalMs >= 19);
    const counted = (perSecond: number | undefined) => Math.round(((perSecond ?? 0) * intervalMs) / 1000);
    assert.equal(counted(rates.connections), 2);
    assert.equal(counted(services[0]?.rates.connections), 2);
    assert.equal(counted(drops[0]?.perSecond), 1);
    assert.equal(drops[0]?.packets, 2);
  });

  it('gives who asks meanwhile the same status, and others a new one', async () => {
    const reader = new StatusReader(measuredDirector(), OPTIONS);
    const [first, second] = await Promise.all([reader.read(), reader.read()]);
    assert.equal(first, second);
    assert.notEqual(await reader.read(), first);
  });

  it('shows what an open director has', async () => {
    const director = measuredDirector();
    let spent = 0n;
    const open = {
      ...{ sources: director.sources, virtualServices: director.virtualServices, warnings: ['odd'] },
      ...{ on: director.on.bind(director), off: director.off.bind(director) },
      stats: () => ({ ...director.stats(), host: { mended: 2, contested: 1 } }),
      workerCpu: () => {
        spent += 5_000_000n;
        return [
          { userNs: spent, systemNs: spent },
          { userNs: spent * 1_000_000n, systemNs: 0n },
        ];
      },
      tablePages: () => ({ residentBytes: 4096, hugeBytes: 0 }),
      device: {
        ...{ name: 'tunvs0', attached: true, steering: 'kernel', egress: 'packet' },
        ...{ passedOver: [], offloads: [], fastPath: { isInForce: true, reason: '', hooks: [] }, rings: [] },
      },
      markDevices: [{ name: 'tunvs1', mark: 3, attached: false }],
    } as unknown as Director;
    const status = await new StatusReader(open, OPTIONS).read();
    const device = {
      name: 'tunvs0',
      attached: true,
      egress: 'packet',
      steering: 'kernel',
      offloads: [],
      fastPath: true,
      fastPathAt: [],
      fastPathReason: '',
      rings: [],
    };
    assert.deepEqual(status.device, device);
    assert.deepEqual(status.markDevices, [{ name: 'tunvs1', mark: 3 }]);
    assert.deepEqual(status.host, { mended: 2, contested: 1 });
    assert.deepEqual(status.warnings, ['odd']);
    assert.deepEqual([status.table.residentBytes, status.table.hugeBytes], [4096, 0]);
    const [some = 0, all] = status.workers;
    assert.ok(some > 0 && some <= 0.55, `${some}`);
    assert.equal(all, 1);
  });

  it('keeps the last twenty events and warnings, the newest first, until it is closed', async () => {
    const director = measuredDirector();
    const reader = new StatusReader(director, OPTIONS);
    const tell = (value: number) => director.emit('event', { type: 'tableFull', value, message: `full ${value}` });
    director.emit('warning', { message: 'odd', about: 'host' });
    for (let value = 1; value <= 19; value++) tell(value);
    const { events } = await reader.read();
    assert.equal(events.length, 20);
    assert.equal(events[0]?.message, 'full 19');
    assert.deepEqual([events[19]?.type, events[19]?.message], ['warning', 'odd']);
    tell(20);
    const later = (await reader.read()).events;
    assert.deepEqual([later.length, later[19]?.message], [20, 'full 1']);
    const listeners = director.listenerCount('event');
    reader.close();
    assert.equal(director.listenerCount('event'), listeners - 1);
    tell(21);
    assert.equal((await reader.read()).events[0]?.message, 'full 20');
  });

  it('rejects when the director is closed, and is not stuck after that', async () => {
    const director = measuredDirector();
    const reader = new StatusReader(director, OPTIONS);
    await director.close();
    await assert.rejects(reader.read(), { code: 'ERR_TUNVS_CLOSED' });
    await assert.rejects(reader.read(), { code: 'ERR_TUNVS_CLOSED' });
  });

  it('says of a sorry server at rest that it is one, whoever checks the others', async () => {
    const director = Director.offline({ source: '10.2.0.2' });
    const web = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
    web.addRealServer({ address: '10.3.0.11' });
    web.addRealServer({ address: '10.3.0.99', isSorry: true });
    const monitor = monitorHealth(director);
    monitor.watch(web, { checks: [tcpCheck()], via: 'address', warmUpMs: 60_000 });
    const health = new HealthSlot();
    health.fill(monitor);
    const { services } = await new StatusReader(director, { ...OPTIONS, health }).read();
    assert.deepEqual(
      services[0]?.servers.map(({ state }) => state),
      ['up', 'sorry'],
    );
    await monitor.close();
    await director.close();
  });
});
