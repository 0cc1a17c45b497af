/** What the kernel does alone: nftables DNAT, and plain forwarding as the floor. */
import { CLIENT_SIDE, SERVER_SIDE, SERVERS, WEB_PORT } from './stage.js';
import { type Peer, PeerLacksError } from './peer.js';

export interface DnatOptions {
  /** A flow table carries packets of established connections past the rules. */
  hasFlowTable: boolean;
}

const TABLE = 'peers';

export function dnatRules(address: string, { hasFlowTable }: DnatOptions): string {
  const servers = SERVERS.map((server, n) => `${n} : ${server}`).join(', ');
  const flowTable = `
  flowtable fast { hook ingress priority 0; devices = { ${CLIENT_SIDE}, ${SERVER_SIDE} }; }
  chain established { type filter hook forward priority 0; ip protocol tcp flow add @fast; }`;
  return `table ip ${TABLE} {${hasFlowTable ? flowTable : ''}
  chain incoming {
    type nat hook prerouting priority dstnat;
    ip daddr ${address} tcp dport ${WEB_PORT} dnat to numgen inc mod ${SERVERS.length} map { ${servers} }
  }
}
`;
}

export function dnat(options: DnatOptions): Peer {
  return {
    programs: { nft: 'nftables' },
    versionCommand: ['nft', '--version'],
    configuration: `dnat to numgen inc mod 2, ${options.hasFlowTable ? 'established connections by a flowtable' : 'no flowtable'}`,
    isProgram: false,
    isPastDirector: false,
    async start({ director }, address) {
      const rules = dnatRules(address, options);
      const { code, stderr } = await director.tryExec(['nft', '--check', '--file', '-'], { input: rules });
      if (code !== 0) throw new PeerLacksError(`the kernel does not take its rules: ${stderr.split('\n')[0]}`);
      return {
        pids: [],
        // Rules, and the tracking of connections that they begin, cost every packet in the host.
        enter: async () => void (await director.exec(['nft', '--file', '-'], { input: rules })),
        leave: async () => void (await director.exec(['nft', 'delete', 'table', 'ip', TABLE])),
      };
    },
  };
}

/** A route to one server instead of a director. */
export function forwarding({ isPastDirector }: { isPastDirector: boolean }): Peer {
  return {
    programs: {},
    configuration: `a route to one server, ${isPastDirector ? 'answers past the director' : 'answers by the director'}`,
    isProgram: false,
    isPastDirector,
    async start(stage, address) {
      stage.director.ip([`route add ${address}/32 via ${SERVERS[0]}`]);
      stage.server.ip([`address add ${address}/32 dev lo`]);
      return { pids: [] };
    },
  };
}
