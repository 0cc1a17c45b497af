/** HTTP and UDP through a director, with every egress and any number of queues. */
import { strict as assert } from 'node:assert';
import type { CounterName } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { type CapturedFlow, startCapture } from '../support/capture.js';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { fastWays, queuedWays, type Way, wayName, wayOptions } from '../support/director-ways.js';
import { describeLab, PORT, TestStage, UPLINK } from '../support/lab.js';

const WEIGHTS = [3, 2, 1];
const CONNECTIONS = 300;
const LARGE_BYTES = 10_000_000;

const ringWays = [1, 2].map((queues): Way => ({ egress: 'packet', queues, rings: [UPLINK] }));
const ways: readonly Way[] = [...queuedWays, ...ringWays, ...fastWays];

for (const way of ways) {
  const { egress, fastPath, rings } = way;
  describeLab(`a director with ${wayName(way)}`, () => {
    let stage: TestStage;
    let director: DirectorAgent;

    before(async () => {
      // Where no packet has to go by user space at the director, none has to at the real servers.
      stage = await TestStage.open(fastPath?.startsWith('ingress') ? { mode: 'bpf' } : {});
      director = await DirectorAgent.open(stage.director, {
        source: stage.topology.directorAddress,
        ...wayOptions(way),
      });
      const servers = stage.servers.map(({ address }, index) => ({ address, weight: WEIGHTS[index] ?? 1 }));
      await addService(director, { address: stage.virtualAddress, port: PORT, scheduler: 'wrr', servers });
      await addService(director, {
        protocol: 'udp',
        address: stage.virtualAddress,
        port: PORT,
        scheduler: 'rr',
        servers,
      });
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    it('uses the egress that it was asked for', async () => {
      assert.equal(await director.run((d) => d.device?.egress), egress);
    });

    it(`answers ${CONNECTIONS} connections, shared out by weight to the connection`, async () => {
      const result = await stage.fetchMany({ requests: CONNECTIONS, concurrency: 100 });
      assert.deepEqual(result.failures, []);
      assert.equal(result.intact, CONNECTIONS);
      assert.deepEqual(result.servers, { rs1: 150, rs2: 100, rs3: 50 });
    });

    it('keeps every kept-alive connection on its real server', async () => {
      const result = await stage.fetchMany({ requests: 600, concurrency: 60, connection: 'kept' });
      assert.deepEqual(result.failures, []);
      assert.equal(result.intact, 600);
      assert.equal(result.moved, 0);
    });

    it('carries a 10 MB upload intact, although its packets are too long for the tunnel at first', async () => {
      assert.equal((await stage.fetch({ uploadBytes: LARGE_BYTES, timeoutMs: 30_000 })).intact, true);
    });

    it('sees nothing of a 10 MB download but the acknowledgements', async () => {
      const capture = await startCapture(stage.director, UPLINK);
      const { intact } = await stage.fetch({ downloadBytes: LARGE_BYTES, timeoutMs: 30_000 });
      const flows = await capture.stop();
      assert.equal(intact, true);
      assertRequestsOnly(flows, stage);
    });

    it('echoes datagrams, each socket with one real server', async () => {
      // More than are read at once, so that some find their flow handed over.
      const { servers, failures } = await stage.udp({ sockets: 9, datagrams: fastPath === undefined ? 5 : 100 });
      assert.deepEqual(failures, []);
      assert.deepEqual(servers.sort(), ['rs1', 'rs1', 'rs1', 'rs2', 'rs2', 'rs2', 'rs3', 'rs3', 'rs3']);
    });

    it('accounts for every packet and every connection', async () => {
      const { totals, counters, table } = await director.run((d) => d.stats());
      const count = (name: string) => Number(counters[name as CounterName]);
      const sum = (...names: readonly string[]) => names.reduce((all, name) => all + count(name), 0);
      assert.equal(sum(...native.verdicts), count('received'));
      assert.ok(count('forwarded') > 0);
      const lost = ['egressNoBuffer', 'egressNoRoute', 'egressTooLong', 'egressFailed'];
      assert.equal(sum('sent', ...lost), count('handedOut'));
      // There are no fragments and no answers: one packet went out for each that was forwarded, and for each client
      // told the MTU; or, for a packet that was cut, its segments.
      assert.equal(sum('fragmentsSent', 'answersUnreachable', 'answersReset', 'answeredEcho', 'recreatedIcmp'), 0);
      const cut = sum('forwarded', 'relayedIcmp', 'answeredTooBig', 'segmentsMade') - count('handedOut');
      assert.ok(count('segmentsMade') > 0, 'the upload came in super-packets');
      assert.ok(cut > 0 && cut <= count('superPackets'), `${cut} of ${count('superPackets')} were cut`);
      assert.equal(sum('badOffloads', 'offloadsRefused'), 0);
      const hasFastPath = await director.run((d) => d.device?.fastPath.isInForce);
      assert.equal(count('fastForwarded') > 0, hasFastPath);
      assert.ok(count('receivedBytes') >= count('forwardedBytes'));
      assert.equal(Number(totals.inPackets), count('forwarded'));
      assert.equal(Number(totals.inBytes), count('forwardedBytes'));
      assert.equal(Number(totals.outPackets), 0);
      const ended = sum('connectionsExpired', 'connectionsEvicted', 'connectionsDropped');
      assert.equal(count('connectionsCreated'), ended + table.ipv4 + table.ipv6);
      assert.equal(Number(totals.connections), count('connectionsCreated'));
    });

    if (rings !== undefined)
      it('spares the host all packets that the ring takes, and loses none', async () => {
        const { stdout } = await stage.director.exec(['cat', '/proc/net/snmp']);
        const [, routed] = /^Ip: (?:\d+ ){5}(\d+)/m.exec(stdout) ?? [];
        assert.ok(Number(routed) < 20, `${routed} were routed`);
        assert.deepEqual(await director.run((d) => d.device?.rings), [
          { device: UPLINK, isTaking: true, reason: '', prefixes: 1, dropped: 0 },
        ]);
        const rule = await stage.director.exec(['nft', 'list', 'ruleset']);
        assert.match(rule.stdout, /table netdev tunvs-tunvs0-eth0 \{/);
        assert.match(rule.stdout, /flags owner/);
        assert.match(rule.stdout, /elements = \{ 10\.9\.9\.9 \}/);
        assert.equal(rule.stdout.match(/packets (\d+) bytes/)?.[1] === '0', false, rule.stdout);
      });

    if (fastPath?.startsWith('ingress'))
      it('spares the host the packets of the fast path', async () => {
        const { counters } = await director.run((d) => d.stats());
        const { stdout } = await stage.director.exec(['cat', '/proc/net/snmp']);
        const [, routed] = /^Ip: (?:\d+ ){5}(\d+)/m.exec(stdout) ?? [];
        // What the program lets go at the ingress is told by its reason at the egress: kept connections end by FIN.
        assert.ok(Number(counters.slowControl) >= 60, `slowControl is ${counters.slowControl}`);
        const rest = Number(counters.received) - Number(counters.fastForwarded);
        assert.ok(Number(routed) > 0 && Number(routed) < rest + 50, `${routed} were routed, and ${rest} were slow`);
        for (const { command } of stage.servers) {
          await command.stop();
          const { counters } = JSON.parse(command.lines.at(-1) ?? '');
          const { received, fastDelivered, merged } = counters;
          assert.ok(fastDelivered > received * 0.9 && merged < 100, JSON.stringify(counters));
        }
        assert.deepEqual(await director.run((d) => d.device?.fastPath.hooks.map((hook) => hook.isAttached)), [
          true,
          true,
        ]);
      });
  });
}

/** In: from the client to the virtual address. Out: the same in a tunnel packet to a real server. */
function assertRequestsOnly(flows: readonly CapturedFlow[], { topology, virtualAddress, servers }: TestStage): void {
  const { clientAddress, directorAddress } = topology;
  const servesAddress = new Set(servers.map(({ address }) => address));
  const incoming = flows.filter(({ direction }) => direction === 'in');
  const outgoing = flows.filter(({ direction }) => direction === 'out');
  assert.ok(incoming.length > 0 && outgoing.length > 0);
  for (const flow of incoming) {
    assert.deepEqual([flow.source, flow.destination, flow.protocol], [clientAddress, virtualAddress, 6]);
  }
  for (const flow of outgoing) {
    assert.deepEqual([flow.source, flow.protocol], [directorAddress, 4]);
    assert.ok(servesAddress.has(flow.destination));
    assert.deepEqual([flow.innerSource, flow.innerDestination], [clientAddress, virtualAddress]);
  }
  const bytes = incoming.reduce((sum, flow) => sum + flow.bytes, 0);
  assert.ok(bytes < LARGE_BYTES / 10, `${bytes} bytes came in`);
}
