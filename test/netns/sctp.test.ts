/** SCTP associations, through raw sockets where the kernel has no SCTP of its own. */
import { strict as assert } from 'node:assert';
import { DirectorAgent } from '../support/director-agent.js';
import { describeLab, TestStage } from '../support/lab.js';
import { associate, hasKernelSctp, sctpChunks, sctpStates, startSctpServer } from '../support/sctp.js';

const PORT = 9899;
const { initAck, cookieAck, data, shutdownAck } = sctpChunks;

describeLab('SCTP through a director', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async function () {
    stage = await TestStage.open({ ipv6: true });
    if (await hasKernelSctp(stage.client)) {
      console.log("      skipped: this kernel's own SCTP would answer; load no sctp module to run it");
      this.skip();
    }
    const { directorAddress, directorAddress6, virtualAddress, virtualAddress6 } = stage.topology;
    director = await DirectorAgent.open(stage.director, { source: [directorAddress, directorAddress6] });
    for (const { host } of stage.servers) {
      for (const address of [virtualAddress, virtualAddress6]) await startSctpServer(host, address, PORT);
    }
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  for (const family of [4, 6] as const) {
    it(`keeps an association over IPv${family} on the real server that was chosen for it`, async () => {
      const { virtualAddress, virtualAddress6 } = stage.topology;
      const service = {
        protocol: 'sctp',
        address: family === 4 ? virtualAddress : virtualAddress6,
        port: PORT,
      } as const;
      const servers = stage.servers.map((server) => ({ address: family === 4 ? server.address : server.address6 }));
      await director.run(
        (d, { service, servers }) => {
          const added = d.addVirtualService({ ...service, scheduler: 'rr' });
          for (const server of servers) added.addRealServer(server);
        },
        { service, servers },
      );
      const clientPorts = [5001, 5002, 5003, 5004, 5005, 5006];
      const open = await associate(stage.client, { ...service, clientPorts, shutDown: false });
      for (const steps of open) {
        assert.deepEqual(
          steps.map(([chunk]) => chunk),
          [initAck, cookieAck, data, data, data],
        );
        const names = new Set(steps.map(([, name]) => name).filter(Boolean));
        assert.equal(names.size, 1, JSON.stringify(steps));
      }
      assert.deepEqual(open.map(([[, name] = [0, '']]) => name).sort(), ['rs1', 'rs1', 'rs2', 'rs2', 'rs3', 'rs3']);
      assert.deepEqual(await sctpStates(director, service.address), { ESTABLISHED: 6 });

      const [closed] = await associate(stage.client, { ...service, clientPorts: [5007], shutDown: true });
      assert.deepEqual(closed?.at(-1)?.[0], shutdownAck);
      assert.deepEqual(await sctpStates(director, service.address), { ESTABLISHED: 6, 'S-RECEIVED': 1 });
    });
  }
});
