/** An offline director with a bit of everything, and what an open one would say beside. */
import { Director, type OfflineDirector, tablePolicy } from '../../lib/index.js';
import type { ToldPeer } from '../../lib/director/sync.js';
import type { SyncOutcome, SyncRefusal } from '../../lib/index.js';
import { native } from '../../lib/native/addon.js';
import { tcp } from './packets.js';

const ROLE = {
  ...{ interface: 'eth1', syncid: 7, maxMessageBytes: 1472, group: '224.0.0.81', port: 8848, ttl: 1 },
  ...{ ports: 1, isSigned: false, messages: 10, bytes: 1000, records: 20 },
};

function counted<Name extends string>(names: Record<string, string>): Record<Name, number> {
  return Object.fromEntries(Object.keys(names).map((name, index) => [name, index])) as Record<Name, number>;
}

/** The name of a policy that needs every escape. */
export const ODD_NAME = 'odd "name"\\ of\ntwo lines';

export function measuredDirector(): OfflineDirector {
  const director = Director.offline({
    ...{ source: '10.2.0.2', maxConnections: 1024 },
    fullNat: { sources: '10.2.9.1' },
  });
  director.transaction((change) => {
    const web = change.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80, scheduler: 'wrr' });
    web.addRealServer({ address: '10.3.0.11', weight: 2 });
    web.addRealServer({ address: '10.3.0.12', upperThreshold: 10, lowerThreshold: 5 }).isUp = false;
    const range = change.addVirtualService({ protocol: 'udp', address: '192.0.2.0/28', port: 5000, lastPort: 5010 });
    range.addRealServer({ address: '10.3.0.13', forwarding: 'snat' });
    const marked = change.addVirtualService({ mark: 0x1f });
    marked.addRealServer({ address: '10.3.0.14', forwarding: 'snat', upperThreshold: 20, lowerThreshold: 10 });
    const policy = tablePolicy(() => [], { name: ODD_NAME });
    change.addVirtualService({ mark: 0x1f, family: 6, policy });
    change.addVirtualService({ protocol: 'tcp', address: '192.0.2.2', port: 443, policy });
  });
  const from = '198.51.100.7:40000';
  const packets = ['192.0.2.1:80', '192.0.2.1:81', '192.0.2.1:80'].map((to, index) =>
    tcp({ from, to, flags: index === 2 ? 'A' : 'S' }),
  );
  director.process(packets, 0);
  return director;
}

export const TOLD_PEER: ToldPeer = {
  ...{ address: '10.2.0.3', port: 8848, state: 'transferring', messages: 11, bytes: 1100, lost: 1 },
  ...{ transfers: 2, transferred: 3, resent: 4, lagMs: 75, refused: 5 },
};

/** The director as an open one: with a device, workers and a host. */
export function asOpen(
  director: OfflineDirector,
): Pick<Director, 'stats' | 'workerCpu' | 'virtualServices' | 'device' | 'state' | 'sync' | 'eventCounts'> {
  return {
    stats: () => ({ ...director.stats(), host: { mended: 3, contested: 1 } }),
    workerCpu: () => [
      { userNs: 1_500_000_000n, systemNs: 250_000_000n },
      { userNs: 0n, systemNs: 2n },
    ],
    virtualServices: director.virtualServices,
    device: {
      name: 'tunvs0',
      attached: false,
      steering: 'none',
      egress: 'raw',
      passedOver: [],
      offloads: [],
      fastPath: { isInForce: false, reason: 'it is off', hooks: [] },
      rings: [{ device: 'eth0', isTaking: true, reason: '', prefixes: 3, dropped: 7 }],
    },
    state: { folder: '/run/tunvs/web', connections: 5, templates: 2, ended: 1, reason: '' },
    sync: {
      isCaughtUp: false,
      master: { ...ROLE, notesLost: 1, recordsLost: 2, messagesFailed: 3, peers: [TOLD_PEER] },
      backup: {
        ...{ ...ROLE, messagesLost: 4, pauses: 5, waiting: 6 },
        peers: [
          {
            address: '10.2.0.3',
            state: 'caughtUp',
            isCaughtUp: true,
            messages: 7,
            lost: 8,
            sessions: 9,
            transfers: 10,
            heardMsAgo: 250,
            refused: 11,
          },
          {
            address: '10.2.0.4',
            state: 'away',
            isCaughtUp: false,
            messages: 0,
            lost: 0,
            sessions: 0,
            transfers: 0,
            refused: 0,
          },
        ],
        refused: counted<SyncRefusal>(native.syncRefusals),
        outcomes: counted<SyncOutcome>(native.syncOutcomes),
      },
    },
    eventCounts: { ...director.eventCounts, hostMended: 2 },
  };
}
