/** tunvs as LVS/NAT: what servers answer goes back by the director, and nothing is on the servers. */
import { DirectorCommand } from '../../../lib/lab/commands.js';
import { labRules } from '../../../lib/lab/rules.js';
import type { Peer } from './peer.js';
import { DIRECTOR_SOURCE, SERVERS } from './stage.js';

export const tunvsNat: Peer = {
  programs: {},
  configuration: 'tunvs run, queues 1, -m, scheduler wrr; nothing on the servers but a route',
  isProgram: true,
  isVariant: true,
  isPastDirector: false,
  async start(stage, address) {
    const rules = labRules(address, [
      { scheduler: 'wrr', servers: SERVERS.map((server) => ({ address: server, forwarding: '-m' })) },
    ]);
    const pids: number[] = [];
    let director: DirectorCommand | undefined;
    return {
      pids,
      // While it runs, all that these servers send to others passes its device.
      async enter() {
        director = await DirectorCommand.start(stage.director, {
          ...{ rules, source: DIRECTOR_SOURCE, queues: 1, egress: 'auto', name: 'nat', device: 'nat' },
          statsIntervalSeconds: 1,
        });
        pids.push(director.process.pid);
      },
      async leave() {
        pids.length = 0;
        await director?.stop();
      },
    };
  },
};
