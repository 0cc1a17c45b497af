/**
 * The two topologies that the lab tests and the demo use.
 *
 * routed: director and real servers in different networks, the virtual address routed to the director.
 *
 *     client 10.1.0.2 ─── 10.1.0.1 ┌────────┐ 10.2.0.1 ─── 10.2.0.2 director   (VIP 10.9.9.9)
 *                                  │ router │
 *                                  └────────┘ 10.3.0.1 ─┬─ 10.3.0.11 rs1
 *                                                       ├─ 10.3.0.12 rs2 ...
 *
 * lan: director, real servers and virtual address on one segment, so that ARP decides who gets the packets.
 *
 *     client 10.1.0.2 ─── 10.1.0.1 ┌────────┐ 10.2.0.1 ─┬─ 10.2.0.2 director   (VIP 10.2.0.100)
 *                                  │ router │           ├─ 10.2.0.11 rs1
 *                                  └────────┘           ├─ 10.2.0.12 rs2 ...
 *
 * In both the real servers' default gateway is the router: replies go to the client without passing the director.
 */
import { Lab } from './lab.js';
import type { LabHost } from './lab-host.js';

export interface LabRealServer {
  host: LabHost;
  /** RIP */
  address: string;
}

export interface DirectorLab {
  lab: Lab;
  client: LabHost;
  router: LabHost;
  director: LabHost;
  realServers: LabRealServer[];
  /** CIP */
  clientAddress: string;
  /** DIP */
  directorAddress: string;
  /** VIP */
  virtualAddress: string;
}

export interface TopologyOptions {
  /** How many, [1, 50]. Default 3. */
  realServers?: number;
  /** `rp_filter` of `all` and `default` in the director and the real servers, as a distribution might set it. Default 0. */
  rpFilter?: 0 | 1 | 2;
}

const CLIENT = '10.1.0.2';
const DIRECTOR = '10.2.0.2';

/** Every host's device towards the router. */
export const UPLINK = 'eth0';

export async function routedLab(options: TopologyOptions = {}): Promise<DirectorLab> {
  return build(
    options,
    { virtualAddress: '10.9.9.9', serverNetwork: '10.3.0' },
    async ({ lab, router, director }, servers) => {
      lab.connect(director, UPLINK, router, 'director');
      director.ip([`address add ${DIRECTOR}/24 dev ${UPLINK}`, `route add default via 10.2.0.1`]);
      router.ip(['address add 10.2.0.1/24 dev director', `route add 10.9.9.9/32 via ${DIRECTOR}`]);
      for (const { host, address } of servers) {
        lab.connect(host, UPLINK, router, host.name);
        host.ip([
          `address add ${address}/32 dev ${UPLINK}`,
          `route add 10.3.0.1/32 dev ${UPLINK}`,
          `route add default via 10.3.0.1 dev ${UPLINK} src ${address}`,
        ]);
        router.ip([`address add 10.3.0.1/32 dev ${host.name}`, `route add ${address}/32 dev ${host.name}`]);
      }
    },
  );
}

export async function lanLab(options: TopologyOptions = {}): Promise<DirectorLab> {
  return build(
    options,
    { virtualAddress: '10.2.0.100', serverNetwork: '10.2.0' },
    async ({ lab, router, director }, servers) => {
      router.ip(['link add name lan type bridge', 'address add 10.2.0.1/24 dev lan', 'link set dev lan up']);
      for (const { host, address } of [{ host: director, address: DIRECTOR }, ...servers]) {
        lab.connect(host, UPLINK, router, host.name);
        router.ip([`link set dev ${host.name} master lan`]);
        host.ip([`address add ${address}/24 dev ${UPLINK}`, 'route add default via 10.2.0.1']);
      }
    },
  );
}

type Wiring = (hosts: Pick<DirectorLab, 'lab' | 'router' | 'director'>, servers: LabRealServer[]) => Promise<void>;

async function build(
  { realServers = 3, rpFilter = 0 }: TopologyOptions,
  { virtualAddress, serverNetwork }: { virtualAddress: string; serverNetwork: string },
  wire: Wiring,
): Promise<DirectorLab> {
  const lab = Lab.create();
  try {
    const client = await lab.addHost('client');
    const router = await lab.addHost('router');
    const director = await lab.addHost('director');
    const servers: LabRealServer[] = [];
    for (let index = 1; index <= realServers; index++) {
      servers.push({ host: await lab.addHost(`rs${index}`), address: `${serverNetwork}.${10 + index}` });
    }
    await router.setSysctls({ 'net/ipv4/ip_forward': '1' });
    // A port that is used again soon finds its old connection at the director, and with it the old real server.
    await client.setSysctls({ 'net/ipv4/ip_local_port_range': '1024 65535' });
    for (const host of [director, ...servers.map((server) => server.host)]) {
      await host.setSysctls({
        'net/ipv4/conf/all/rp_filter': `${rpFilter}`,
        'net/ipv4/conf/default/rp_filter': `${rpFilter}`,
      });
    }
    lab.connect(client, UPLINK, router, 'client');
    client.ip([`address add ${CLIENT}/24 dev ${UPLINK}`, 'route add default via 10.1.0.1']);
    router.ip(['address add 10.1.0.1/24 dev client']);
    await wire({ lab, router, director }, servers);
    return {
      lab,
      client,
      router,
      director,
      realServers: servers,
      clientAddress: CLIENT,
      directorAddress: DIRECTOR,
      virtualAddress,
    };
  } catch (error) {
    await lab.dispose();
    throw error;
  }
}
