/** The real server that answers is the one that the scheduler chose, and its choice is IPVS's. */
import { strict as assert } from 'node:assert';
import { addService, DirectorAgent } from '../support/director-agent.js';
import { describeLab, PORT, TestStage } from '../support/lab.js';

/**
 * Choices for connections that stay open, one after the other, with weights 3, 2, 1 in the order of adding. The
 * scheduler walks the list rs3, rs2, rs1. wrr begins at its lowest level, where adding the first real server has left
 * it.
 */
const cases = [
  { scheduler: 'rr', expected: ['rs3', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1'] },
  { scheduler: 'wrr', expected: ['rs3', 'rs2', 'rs1', 'rs1', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1', 'rs1', 'rs2', 'rs1'] },
  { scheduler: 'lc', expected: ['rs3', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1'] },
  { scheduler: 'wlc', expected: ['rs3', 'rs2', 'rs1', 'rs1', 'rs2', 'rs1', 'rs3', 'rs2', 'rs1', 'rs1', 'rs2', 'rs1'] },
] as const;

describeLab('scheduling real connections', () => {
  let stage: TestStage;
  let director: DirectorAgent;

  before(async () => {
    stage = await TestStage.open();
    director = await DirectorAgent.open(stage.director, { source: stage.topology.directorAddress });
    await director.run((d) => d.setTimeouts({ tcpFin: 1 }));
  });

  after(async () => {
    await director?.close();
    await stage?.close();
  });

  for (const { scheduler, expected } of cases) {
    it(`has each connection answered by the real server that ${scheduler} chose for it`, async () => {
      const servers = stage.servers.map(({ address }, index) => ({ address, weight: 3 - index }));
      await addService(director, { address: stage.virtualAddress, port: PORT, scheduler, servers });
      const answered: { server: string; localPort: number }[] = [];
      for (const index of expected.keys()) answered.push(await stage.fetch({ connection: `${scheduler}.${index}` }));

      assert.deepEqual(
        answered.map(({ server }) => server),
        expected,
      );
      assert.deepEqual(await chosen(answered.map(({ localPort }) => localPort)), expected);

      for (const index of expected.keys()) await stage.closeConnection(`${scheduler}.${index}`);
      // Connections that have ended still count in lc and wlc, even for a server that is configured anew.
      await director.run(async (d) => {
        while (d.stats().table.ipv4 > 0) await new Promise((resolve) => setTimeout(resolve, 100));
        d.clear();
      });
    });
  }

  /** Returns what the director's connection table says, by the client's port. */
  async function chosen(ports: readonly number[]): Promise<(string | undefined)[]> {
    const connections = await director.run(async (d) => {
      const rows: [port: number, address: string][] = [];
      for await (const { clientPort, serverAddress } of d.connections({ protocol: 'tcp', state: 'ESTABLISHED' })) {
        rows.push([clientPort, serverAddress]);
      }
      return rows;
    });
    const addresses = new Map(connections);
    return ports.map((port) => stage.names.get(addresses.get(port) ?? ''));
  }
});
