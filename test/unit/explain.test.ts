import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { type ExplainedFlow, packetOf } from '../../lib/values/flow-packet.js';

const FLOW: ExplainedFlow = {
  protocol: 'tcp',
  clientAddress: '198.51.100.7',
  clientPort: 40000,
  virtualAddress: '192.0.2.1',
  virtualPort: 80,
};
const FLOW6: ExplainedFlow = { ...FLOW, clientAddress: '2001:db8::7', virtualAddress: '2001:db8::1' };

function web(more: object = {}) {
  const director = Director.offline({ source: ['10.0.0.1', '2001:db8:1::1'], seed: 1n, maxConnections: 1024 });
  const service = director.addVirtualService({
    protocol: 'tcp',
    address: '192.0.2.1',
    port: 80,
    scheduler: 'rr',
    ...more,
  });
  for (const last of [11, 12]) service.addRealServer({ address: `10.0.0.${last}` });
  return { director, service };
}

describe('director.explain', () => {
  it('says what the scheduler would choose, as often as it is asked, and what then happens', () => {
    const { director } = web();
    const said = director.explain(FLOW);
    assert.deepEqual(director.explain(FLOW), said);
    assert.deepEqual(said.realServer, { address: '10.0.0.12', port: 80 });
    assert.equal(
      said.text,
      'To real server 10.0.0.12:80, chosen by the scheduler rr of virtual service tcp 192.0.2.1:80.',
    );
    const { outputs } = director.process(packetOf('test', FLOW), 1);
    assert.deepEqual([...(outputs[0]?.data.subarray(16, 20) ?? [])], [10, 0, 0, 12]);
  });

  it('says that a connection decides, and in which state it is', () => {
    const { director } = web();
    director.process(packetOf('test', FLOW), 1);
    const said = director.explain({ ...FLOW, flags: 'A' });
    assert.equal(said.text, 'To real server 10.0.0.12:80, by its connection, which is in SYN_RECV.');
  });

  it('says that a reused port ends a connection', () => {
    const { director } = web();
    for (const flags of ['S', 'F']) director.process(packetOf('test', { ...FLOW, flags }), 1);
    const said = director.explain(FLOW);
    assert.ok(said.endsConnection);
    assert.match(
      said.text,
      /^To real server 10\.0\.0\.11:80, chosen .* in place of a connection that is in TIME_WAIT\.$/,
    );
  });

  it('says of the packets of both sides what they become, where servers are reached by NAT', () => {
    const { director, service } = web();
    for (const server of service.realServers) server.delete();
    service.addRealServer({ address: '10.0.0.11', port: 8080, forwarding: 'nat' });
    const said = director.explain(FLOW);
    assert.equal(
      said.text,
      'To real server 10.0.0.11:8080, chosen by the scheduler rr of virtual service tcp 192.0.2.1:80. ' +
        'It leaves from 198.51.100.7:40000 to 10.0.0.11:8080.',
    );
    assert.deepEqual(said.becomes, {
      source: { address: '198.51.100.7', port: 40000 },
      destination: { address: '10.0.0.11', port: 8080 },
    });
    const reply: ExplainedFlow = {
      protocol: 'tcp',
      ...{ clientAddress: '10.0.0.11', clientPort: 8080, virtualAddress: '198.51.100.7', virtualPort: 40000 },
      flags: 'SA',
    };
    assert.match(director.explain(reply).text, /^Not forwarded \(dropUnmatchedReply\): .* no connection; /);
    director.process(packetOf('test', FLOW), 1);
    const returned = director.explain(reply);
    assert.deepEqual([returned.verdict, returned.by], ['returned', 'connection']);
    assert.deepEqual(returned.realServer, { address: '10.0.0.11', port: 8080 });
    assert.equal(
      returned.text,
      'From real server 10.0.0.11:8080 to its client, by their connection, which is in SYN_RECV. ' +
        'It leaves from 192.0.2.1:80 to 198.51.100.7:40000.',
    );
    assert.equal(director.process(packetOf('test', reply), 2).verdicts[0], 'returned');
    assert.equal(director.explain({ ...reply, clientPort: 22 }).verdict, 'passedOn');
  });

  it('names no source that full NAT has still to pick, and says when it has none left', () => {
    const fullNat = { sources: ['10.0.0.200'], firstPort: 5000, lastPort: 5000 };
    const director = Director.offline({ source: '10.0.0.1', fullNat, maxConnections: 1024 });
    const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'rr' });
    service.addRealServer({ address: '10.0.0.11', port: 8080, forwarding: 'snat' });
    const said = director.explain(FLOW);
    assert.equal(
      said.text,
      'To real server 10.0.0.11:8080, chosen by the scheduler rr of virtual service tcp 192.0.2.1:80. ' +
        'It leaves from an address of full NAT to 10.0.0.11:8080.',
    );
    assert.deepEqual(said.becomes, { destination: { address: '10.0.0.11', port: 8080 } });
    assert.equal(director.process(packetOf('test', FLOW), 1).verdicts[0], 'forwarded');
    assert.match(director.explain(FLOW).text, / It leaves from 10\.0\.0\.200:5000 to 10\.0\.0\.11:8080\.$/);

    const other = { ...FLOW, clientPort: 40001 };
    const refused = director.explain(other);
    assert.equal(
      refused.text,
      'Not forwarded (dropNoPort): every address and port that full NAT may give to it is in use towards its real ' +
        'server (virtual service tcp 192.0.2.1:80, real server 10.0.0.11:8080).',
    );
    assert.equal(refused.becomes, undefined);
    assert.equal(director.process(packetOf('test', other), 2).verdicts[0], 'dropNoPort');
  });

  it('says that persistence decides', () => {
    const { director } = web({ persistence: { timeoutSeconds: 300 } });
    director.process(packetOf('test', FLOW), 1);
    const said = director.explain({ ...FLOW, clientPort: 40001 });
    assert.equal(said.by, 'persistence');
    assert.match(said.text, /^To real server 10\.0\.0\.12:80, because .* \(persistence\)\.$/);
  });

  it('says why a packet would not be forwarded', () => {
    const { director, service } = web();
    assert.equal(director.explain({ ...FLOW, virtualPort: 81 }).verdict, 'dropNoService');
    assert.equal(director.explain({ ...FLOW, flags: 'A' }).verdict, 'dropNotScheduled');
    for (const server of service.realServers) server.weight = 0;
    assert.equal(
      director.explain(FLOW).text,
      'Not forwarded (dropNoServer): no real server may take a connection (virtual service tcp 192.0.2.1:80).',
    );
    assert.equal(director.explain(Uint8Array.of(0x45)).verdict, 'dropTruncated');
    assert.equal(director.explain(new Uint8Array(0)).verdict, 'dropTruncated');
  });

  it('takes a mark for that of the device', () => {
    const { director } = web();
    director.addVirtualService({ mark: 7, scheduler: 'rr' }).addRealServer({ address: '10.0.0.13' });
    assert.equal(director.explain(FLOW).realServer?.address, '10.0.0.12');
    assert.equal(director.explain(FLOW, { mark: 7 }).realServer?.address, '10.0.0.13');
  });

  it('takes flows of every protocol and both families', () => {
    const director = Director.offline({ source: ['10.0.0.1', '2001:db8:1::1'], maxConnections: 1024 });
    for (const protocol of ['tcp', 'udp', 'sctp'] as const) {
      for (const flow of [FLOW, FLOW6]) {
        const { virtualAddress: address, virtualPort: port } = flow;
        director.addVirtualService({ protocol, address, port }).addRealServer({ address: '10.0.0.11' });
        assert.equal(director.explain({ ...flow, protocol }).verdict, 'forwarded', `${protocol} ${address}`);
        assert.deepEqual(director.process(packetOf('test', { ...flow, protocol }), 1).verdicts, ['forwarded']);
      }
    }
  });

  it('names what is wrong with a flow', () => {
    const { director } = web();
    const wrong: [object, RegExp][] = [
      [{ ...FLOW, protocol: 'icmp' }, /explain: protocol/],
      [{ ...FLOW, clientPort: 70000 }, /explain: clientPort/],
      [{ ...FLOW, virtualAddress: '2001:db8::1' }, /explain: virtualAddress.*IPv4/],
      [{ ...FLOW, flags: 'X' }, /explain: flags/],
      [{ ...FLOW, protocol: 'udp', flags: 'S' }, /explain: flags/],
    ];
    for (const [flow, message] of wrong)
      assert.throws(() => director.explain(flow as ExplainedFlow), { code: 'ERR_TUNVS_INVALID_ARGUMENT', message });
  });
});
