/**
 * What tunnels: tunvs, a plain loop in Node over the descriptor of a TUN device, and the null loop, which is the least
 * that anything can do with the engine's own port.
 */
import { DirectorCommand } from '../../../lib/lab/commands.js';
import { labRules } from '../../../lib/lab/rules.js';
import type { Peer } from './peer.js';
import { CLIENT_SIDE, DIRECTOR_SOURCE, SERVERS, WEB_PORT } from './stage.js';
import { program } from '../device.js';
import type { ForwarderOptions } from '../../programs/forwarder.js';

export interface TunvsOptions {
  queues: number;
  egress: 'auto' | 'packet' | 'raw' | 'tun';
  /** The director's default unless given. */
  offloads?: 'auto' | 'off';
  /** Established connections go by the program in the kernel, at the egress of the director's device or earlier. */
  fastPath?: 'egress' | 'ingress';
  /** What takes the tunnel packets apart on the servers: their own default unless given. */
  realServerMode?: 'bpf';
  /** As ipvsadm takes it; IPIP unless given. */
  forwarding?: string;
}

export function tunvs(options: TunvsOptions, isVariant = false): Peer {
  const { queues, egress, offloads, fastPath, realServerMode, forwarding } = options;
  const more = [offloads && `offloads ${offloads}`, fastPath && `fast path ${fastPath}`, forwarding]
    .filter(Boolean)
    .map((each) => `, ${each}`)
    .join('');
  return {
    programs: {},
    configuration: `tunvs run, queues ${queues}, egress ${egress}${more}, scheduler wrr; tunvs realserver${realServerMode ? ` --mode ${realServerMode}` : ''} on the servers`,
    realServerMode,
    isProgram: true,
    isVariant,
    isTunnelled: true,
    isGue: forwarding?.includes('gue'),
    isPastDirector: true,
    async start(stage, address) {
      const rules = labRules(address, [
        { scheduler: 'wrr', servers: SERVERS.map((server) => ({ address: server, forwarding })) },
      ]);
      // Several directors may run on the host.
      const name = `tunvs${address.split('.').at(-1)}`;
      const director = await DirectorCommand.start(stage.director, {
        ...{ rules, source: DIRECTOR_SOURCE, queues, egress, offloads, name, device: name },
        ...(fastPath && { fastPath: fastPath === 'ingress' ? `ingress:${CLIENT_SIDE}` : fastPath }),
        statsIntervalSeconds: 1,
      });
      return { pids: [director.process.pid] };
    },
  };
}

/** Opens the device as TUN without a header, which Node cannot, and passes it on as descriptor 3. */
const OPEN_TUN = `
import fcntl, os, struct, sys
tun = os.open('/dev/net/tun', os.O_RDWR)
fcntl.ioctl(tun, 0x400454ca, struct.pack('16sH22x', b'loop0', 0x1001))
os.dup2(tun, 3)
os.set_inheritable(3, True)
os.execvp(sys.argv[1], sys.argv[1:])
`;

export const nodeLoop: Peer = {
  programs: { python3: 'python3' },
  versionCommand: [process.execPath, '--version'],
  configuration:
    'fs.readSync, IPIP around the packet, fs.writeSync, all in JavaScript; it has no table and counts nothing',
  isProgram: true,
  isTunnelled: true,
  isPastDirector: true,
  async start({ director }, address) {
    const loop = [process.execPath, program('tun-loop'), JSON.stringify({ source: DIRECTOR_SOURCE, servers: SERVERS })];
    const child = director.spawn(['python3', '-c', OPEN_TUN, ...loop]);
    await child.line((line) => line === 'ready');
    // What it writes comes from the host's own address.
    await director.setSysctls({ 'net/ipv4/conf/loop0/accept_local': '1', 'net/ipv4/conf/loop0/rp_filter': '0' });
    director.ip(['link set dev loop0 up', `route add ${address}/32 dev loop0`]);
    return { pids: [child.pid] };
  },
};

/** The loop of bench/programs/forwarder.ts. It sends everything to one server and takes no offloads. */
export const nullLoop: Peer = {
  programs: {},
  configuration: 'reads vectors, writes IPIP headers, sends by the packet egress; no offloads, no parsing, no table',
  isProgram: true,
  isVariant: true,
  isTunnelled: true,
  isPastDirector: true,
  async start({ director }, address) {
    const options: ForwarderOptions = {
      ...{ kind: 'null', device: 'null0', egress: 'packet', queues: 1 },
      ...{ source: DIRECTOR_SOURCE, server: SERVERS[0], virtualAddress: address, port: WEB_PORT },
    };
    const child = director.spawn([process.execPath, program('forwarder'), JSON.stringify(options)]);
    await child.line((line) => line === 'ready');
    return { pids: [child.pid] };
  },
};
