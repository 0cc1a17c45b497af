/** What a client of a NAT service is told by routers, by servers and by the director, names the virtual address. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT } from '../support/lab.js';
import { NatStage, natWays, SERVER_PORT } from '../support/nat-stage.js';
import { type ProbeAnswer, probe, traceroute } from '../support/probe.js';

const CLOSED_PORT = 81;
/** A service that no server has opened. */
const REFUSED_PORT = 82;
/** One whose server is not there; the kernel asks for its link address for three seconds. */
const DEAD_PORT = 83;
const DEAD_TIMEOUT_MS = 10_000;

for (const { method, egress } of natWays)
  describeLab(`from a client that probes a service of ${method}, with egress "${egress}"`, () => {
    let stage: NatStage;
    let director: DirectorAgent;

    before(async () => {
      stage = await NatStage.open({ realServers: 1, method });
      director = await DirectorAgent.open(stage.director, { ...stage.addresses, egress });
      await stage.addServices(director);
      for (const family of [4, 6] as const) {
        const service = { address: stage.virtual(family), scheduler: 'rr' } as const;
        const dead = { address: family === 4 ? '10.4.0.77' : '2001:db8:4::77', port: SERVER_PORT };
        for (const protocol of ['tcp', 'udp'] as const) {
          const refusing = stage.natServers(family, REFUSED_PORT);
          await addService(director, { protocol, ...service, port: REFUSED_PORT, servers: refusing });
          const servers = [{ ...dead, forwarding: method }];
          await addService(director, { protocol, ...service, port: DEAD_PORT, servers });
        }
      }
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    for (const family of [4, 6] as const) {
      const addressesOf = () => ({
        vip: stage.virtual(family),
        router: family === 4 ? '10.1.0.1' : '2001:db8:1::1',
        dip: stage.source[family === 4 ? 0 : 1],
      });
      const [unreachable, closed, host] = family === 4 ? [3, 3, 1] : [1, 4, 3];

      for (const kind of ['udp', 'tcp'] as const)
        it(`IPv${family} traceroute by ${kind} sees the router, the director, and no more than it should behind it`, async () => {
          const { vip, router, dip } = addressesOf();
          const hops = await traceroute(stage.client, { address: vip, kind, port: PORT });
          assert.deepEqual(hops.map(seen), [
            { from: router, kind: 'timeExceeded' },
            { from: dip, kind: 'timeExceeded' },
            // The inner router's answer comes from the virtual address.
            { from: vip, kind: 'timeExceeded' },
            { from: vip, kind: 'reply' },
          ]);
        });

      it(`IPv${family} pings are answered for the virtual address`, async () => {
        const { vip } = addressesOf();
        const answer = await probe(stage.client, { address: vip, kind: 'echo', bytes: 1000 });
        assert.deepEqual([answer?.from, answer?.kind, answer?.isIntact], [vip, 'reply', true]);
      });

      it(`IPv${family} ports that nobody serves are unreachable, whether here or at the server`, async () => {
        const { vip } = addressesOf();
        for (const port of [CLOSED_PORT, REFUSED_PORT]) {
          const answer = await probe(stage.client, { address: vip, kind: 'udp', port });
          assert.deepEqual([answer?.from, answer?.type, answer?.code], [vip, unreachable, closed], `${port}`);
          await assert.rejects(stage.fetch({ address: vip, port }), /ECONNREFUSED/);
        }
      });

      it(`IPv${family} servers that are not there are unreachable by the virtual address`, async () => {
        const { vip } = addressesOf();
        const answer = await probe(stage.client, {
          ...{ address: vip, kind: 'udp', port: DEAD_PORT, timeoutMs: DEAD_TIMEOUT_MS },
        });
        assert.deepEqual([answer?.from, answer?.type, answer?.code], [vip, unreachable, host]);
      });
    }

    it("the host's other errors come as they did, also to hosts that are no clients", async () => {
      for (const [index, dip] of stage.source.entries()) {
        const answer = await probe(stage.client, { address: dip, kind: 'udp', port: CLOSED_PORT });
        assert.deepEqual([answer?.from, answer?.type, answer?.code], [dip, ...(index === 0 ? [3, 3] : [1, 4])]);
      }
    });

    it('never see an address of the inner networks', async () => {
      const { all, shown } = await stage.secrets.counts();
      assert.ok(all > 20, `${all}`);
      assert.equal(shown, 0);
    });
  });

function seen(answer: ProbeAnswer | undefined) {
  return answer && { from: answer.from, kind: answer.kind };
}
