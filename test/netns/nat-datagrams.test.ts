/** Datagrams in pieces and without checksums, and SCTP, through a director with NAT. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab } from '../support/lab.js';
import { NatStage, natWays } from '../support/nat-stage.js';
import { associate, hasKernelSctp, sctpChunks, sctpStates, startSctpServer } from '../support/sctp.js';
import { orders, startTornEcho, tornEcho } from '../support/torn-echo.js';

const SERVICE_PORT = 53;
const ECHO_PORT = 5353;
const SCTP_SERVICE_PORT = 9899;
const SCTP_PORT = 9900;

for (const { method, egress } of natWays)
  describeLab(`datagrams through a director with ${method}, two queues and egress "${egress}"`, () => {
    let stage: NatStage;
    let director: DirectorAgent;

    before(async () => {
      stage = await NatStage.open({ realServers: 2, method });
      director = await DirectorAgent.open(stage.director, { ...stage.addresses, egress, device: { queues: 2 } });
      for (const family of [4, 6] as const) {
        const servers = stage.natServers(family, ECHO_PORT);
        for (const [index, { address }] of servers.entries())
          await startTornEcho((stage.servers[index] as (typeof stage.servers)[number]).host, address, ECHO_PORT);
        const service = { address: stage.virtual(family), port: SERVICE_PORT, scheduler: 'rr' } as const;
        await addService(director, { protocol: 'udp', ...service, servers });
      }
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    for (const family of [4, 6] as const)
      for (const hasChecksum of family === 4 ? [true, false] : [true])
        for (const order of orders) {
          const what = hasChecksum ? '' : ', without checksum';
          it(`come to a server over IPv${family} and back, in pieces that are sent as "${order}"${what}`, async () => {
            const { clientAddress, clientAddress6 } = stage.topology;
            const request = { address: stage.virtual(family), port: SERVICE_PORT, hasChecksum };
            const bytes = order === 'whole' ? 1000 : 6000;
            const other = order === 'whole' ? 'whole' : 'inOrder';
            for (const pair of [[order, other] as const, [other, order] as const]) {
              for (const more of [0, 1]) {
                const asked = { ...request, orders: pair, bytes: bytes + more };
                const answer = await tornEcho(stage.client, family === 4 ? clientAddress : clientAddress6, asked);
                assert.equal(answer, true, JSON.stringify(asked));
              }
            }
          });
        }

    it('lose no fragment that was taken, and show nothing of the inner networks', async () => {
      const { counters } = await director.run((d) => d.stats());
      assert.equal(Number(counters.dropFragment), 0);
      assert.equal((await stage.secrets.counts()).shown, 0);
    });
  });

for (const method of ['nat', 'snat'] as const)
  describeLab(`SCTP through a director with ${method}`, () => {
    let stage: NatStage;
    let director: DirectorAgent;

    before(async function () {
      stage = await NatStage.open({ method });
      if (await hasKernelSctp(stage.client)) {
        console.log("      skipped: this kernel's own SCTP would answer; load no sctp module to run it");
        this.skip();
      }
      director = await DirectorAgent.open(stage.director, stage.addresses);
      for (const { host, address, address6 } of stage.servers)
        for (const own of [address, address6]) await startSctpServer(host, own, SCTP_PORT);
    });

    after(async () => {
      await director?.close();
      await stage?.close();
    });

    for (const family of [4, 6] as const)
      it(`keeps associations over IPv${family} on their servers, on another port than theirs, and sees both sides`, async () => {
        const service = { protocol: 'sctp', address: stage.virtual(family), port: SCTP_SERVICE_PORT } as const;
        await director.run(
          (d, { service, servers }) => {
            const added = d.addVirtualService({ ...service, scheduler: 'rr' });
            for (const server of servers) added.addRealServer(server);
          },
          { service, servers: stage.natServers(family, SCTP_PORT) },
        );
        const ports = (first: number, count: number) => Array.from({ length: count }, (_, index) => first + index);
        const open = await associate(stage.client, { ...service, clientPorts: ports(5001, 6), shutDown: false });
        const { initAck, cookieAck, data, shutdownAck } = sctpChunks;
        for (const steps of open) {
          assert.deepEqual(
            steps.map(([chunk]) => chunk),
            [initAck, cookieAck, data, data, data],
          );
          assert.equal(new Set(steps.map(([, name]) => name).filter(Boolean)).size, 1, JSON.stringify(steps));
        }
        assert.deepEqual(open.map(([[, name] = [0, '']]) => name).sort(), ['rs1', 'rs1', 'rs2', 'rs2', 'rs3', 'rs3']);
        const [closed] = await associate(stage.client, { ...service, clientPorts: [5007], shutDown: true });
        assert.equal(closed?.at(-1)?.[0], shutdownAck);
        // The server's acknowledgement was seen, as it is not where only clients' packets are.
        assert.deepEqual(await sctpStates(director, service.address), { ESTABLISHED: 6, 'S-ACK-SENT': 1 });
        assert.equal((await stage.secrets.counts()).shown, 0);
      });
  });
