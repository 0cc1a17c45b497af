/** The peers by name. */
import { dnat, forwarding } from './kernel.js';
import type { Peer } from './peer.js';
import { tunvsNat } from './nat.js';
import { haproxy, nginxStream } from './proxies.js';
import { nodeLoop, nullLoop, tunvs } from './tunnels.js';

export const peers = {
  tunvs: tunvs({ queues: 1, egress: 'auto' }),
  haproxy: haproxy({ threads: 1, isSpliced: false }),
  haproxySplice: haproxy({ threads: 1, isSpliced: true }),
  haproxy2Threads: haproxy({ threads: 2, isSpliced: false }),
  haproxy2ThreadsSplice: haproxy({ threads: 2, isSpliced: true }),
  nginxStream: nginxStream({ workers: 1 }),
  nginxStream2Workers: nginxStream({ workers: 2 }),
  dnat: dnat({ hasFlowTable: false }),
  dnatFlowtable: dnat({ hasFlowTable: true }),
  forwarding: forwarding({ isPastDirector: false }),
  forwardingPast: forwarding({ isPastDirector: true }),
  nodeLoop,
  nullLoop,
  tunvsOffloads: tunvs({ queues: 1, egress: 'packet', offloads: 'auto' }, true),
  tunvsNoOffloads: tunvs({ queues: 1, egress: 'packet', offloads: 'off' }, true),
  tunvsGue: tunvs(
    { queues: 1, egress: 'packet', offloads: 'auto', forwarding: '-i --tun-type gue --tun-port 6080 --tun-csum' },
    true,
  ),
  tunvsNat,
  tunvsFastPath: tunvs({ queues: 1, egress: 'packet', fastPath: 'egress' }, true),
  tunvsFastPathIngress: tunvs({ queues: 1, egress: 'packet', fastPath: 'ingress' }, true),
  tunvsFastPathAtBothEnds: tunvs({ queues: 1, egress: 'packet', fastPath: 'ingress', realServerMode: 'bpf' }, true),
  tunvsFastPathGue: tunvs(
    { queues: 1, egress: 'packet', fastPath: 'egress', forwarding: '-i --tun-type gue --tun-port 6080' },
    true,
  ),
} as const satisfies Record<string, Peer>;

export type PeerName = keyof typeof peers;
