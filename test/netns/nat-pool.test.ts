/** Pools that mix NAT with tunnels, direct routing and the director's own host. */
import { strict as assert } from 'node:assert';
import { Agent } from '../../lib/lab/agent.js';
import { DirectorAgent } from '../support/director-agent.js';
import { describeLab, hostState, PORT, program, startRealServerCommand } from '../support/lab.js';
import { NatStage, SERVER_PORT } from '../support/nat-stage.js';

const UPLOAD_BYTES = 2_000_000;

for (const rpFilter of [0, 2] as const)
  describeLab(`NAT beside IPIP, direct routing and a local server, with rp_filter ${rpFilter}`, () => {
    let stage: NatStage;
    let director: DirectorAgent;
    let untouched: string;

    before(async () => {
      stage = await NatStage.open({ realServers: 4, rpFilter });
      const [, routed, tunnelled] = stage.servers;
      assert.ok(routed && tunnelled);
      const both = [stage.virtual(4), stage.virtual(6)];
      for (const [{ host, name }, forwarding] of [
        [routed, 'dr'],
        [tunnelled, 'ipip'],
      ] as const) {
        await startRealServerCommand(host, {
          ...{ virtualAddress: both, forwarding },
          director: [...stage.source, '10.4.0.1', '2001:db8:4::1'],
        });
        const web = await Agent.connect(host.node(program('web-server'), [name, `${PORT}`]));
        for (const address of both) await web.call('bindUdp', { address });
      }
      const own = await Agent.connect(stage.director.node(program('web-server'), ['director', `${SERVER_PORT}`]));
      for (const address of stage.source) await own.call('bindUdp', { address });
      untouched = await hostState(stage.director);
      director = await DirectorAgent.open(stage.director, { source: stage.source });
      await stage.addServices(director, (family) => {
        const nat = stage.natServers(family);
        const at = (index: number) => nat[index]?.address ?? '';
        return [
          { address: at(0), port: SERVER_PORT, forwarding: 'nat' },
          { address: at(1), forwarding: 'dr' },
          { address: at(2), forwarding: 'ipip' },
          { address: at(3), port: SERVER_PORT, forwarding: 'nat' },
          { address: stage.source[family === 4 ? 0 : 1] ?? '', port: SERVER_PORT, forwarding: 'nat' },
        ];
      });
    });

    after(async () => {
      await stage?.close();
    });

    for (const family of [4, 6] as const)
      it(`answers over IPv${family} from each server of the pool`, async () => {
        const address = stage.virtual(family);
        const many = await stage.fetchMany({ address, requests: 100, concurrency: 20 });
        assert.deepEqual([many.failures, many.servers], [[], { rs1: 20, rs2: 20, rs3: 20, rs4: 20, director: 20 }]);
        for (let index = 0; index < 5; index++) {
          const up = await stage.fetch({ address, uploadBytes: UPLOAD_BYTES, timeoutMs: 20_000 });
          assert.equal(up.intact, true, up.server);
        }
        const echoed = await stage.udp({ address, sockets: 10, datagrams: 3 });
        assert.deepEqual([echoed.failures, new Set(echoed.servers).size], [[], 5]);
      });

    it('counts packets of NAT servers alone as outgoing', async () => {
      const servers = await director.run((d) =>
        d
          .stats()
          .services.flatMap((service) =>
            service.servers.map(({ forwarding, totals }) => ({ forwarding, out: Number(totals.outPackets) })),
          ),
      );
      for (const { forwarding, out } of servers) assert.equal(out > 0, forwarding === 'nat', forwarding);
    });

    it('shows nothing of the inner networks, and leaves the host as it was', async () => {
      assert.equal((await stage.secrets.counts()).shown, 0);
      await director.close();
      assert.equal(await hostState(stage.director), untouched);
    });
  });
