/** A control connection of FTP outlives its idle time while its data connections are there. */
import { strict as assert } from 'node:assert';
import { Director } from '../../lib/director/director.js';
import { type ExplainedFlow, packetOf } from '../../lib/values/flow-packet.js';
import { tcp } from '../support/packets.js';

const CLIENT = '198.51.100.7';
const VIP = '192.0.2.1';
const SERVER = '10.0.0.11';
const MINUTE_MS = 60_000;

const toVirtual = (clientPort: number, virtualPort: number, flags: string): ExplainedFlow =>
  ({ protocol: 'tcp', clientAddress: CLIENT, clientPort, virtualAddress: VIP, virtualPort, flags }) as ExplainedFlow;

describe("FTP's control connection", () => {
  it('lives while data flows, and expires when none does', async () => {
    const director = Director.offline({ source: '10.0.0.1', maxConnections: 1024 });
    const service = director.addVirtualService({ protocol: 'tcp', address: VIP, port: 21, scheduler: 'rr' });
    service.addRealServer({ address: SERVER, port: 21, forwarding: 'nat' });
    const say = (flow: ExplainedFlow, atMs: number) => director.process(packetOf('test', flow), atMs).verdicts[0];
    const ports = async () => {
      const open: number[] = [];
      for await (const { clientPort } of director.connections()) open.push(clientPort);
      return open.sort();
    };
    say(toVirtual(40000, 21, 'S'), 0);
    director.process(tcp({ from: `${SERVER}:21`, to: `${CLIENT}:40000`, flags: 'SA' }), 0);
    say(toVirtual(40000, 21, 'A'), 0);
    const payload = Buffer.from('227 Entering Passive Mode (10,0,0,11,156,64).\r\n');
    const reply = tcp({ from: `${SERVER}:21`, to: `${CLIENT}:40000`, flags: 'A', payload });
    assert.equal(director.process(reply, 0).verdicts[0], 'returned');
    assert.equal(say(toVirtual(40001, 40_000, 'S'), 0), 'forwarded');
    // An established connection that is silent would be gone after fifteen minutes.
    for (let minute = 0; minute <= 40; minute += 5)
      assert.equal(say(toVirtual(40001, 40_000, 'A'), minute * MINUTE_MS), 'forwarded');
    assert.deepEqual(await ports(), [40000, 40001]);
    // An hour without a word of either.
    say(toVirtual(50000, 22, 'S'), 100 * MINUTE_MS);
    say(toVirtual(50000, 22, 'S'), 140 * MINUTE_MS);
    assert.deepEqual(await ports(), []);
    director.close();
  });
});
