/** What connection sync counts, a row for each role that runs. */
import { labelSet, type Row, snakeCase } from './label-set.js';
import type { Metric } from './metric.js';
import type { Snapshot } from './snapshot.js';

interface ValueRow extends Row {
  readonly value: number;
}

type Sync = NonNullable<Snapshot['sync']>;

function rowsOf(sync: Sync | undefined, read: (role: NonNullable<Sync['master'] | Sync['backup']>) => number) {
  const roles = [
    sync?.master && (['master', sync.master] as const),
    sync?.backup && (['backup', sync.backup] as const),
  ];
  return roles.flatMap((each) => (each ? [{ labels: labelSet({ role: each[0] }), value: read(each[1]) }] : []));
}

function ofRoles(name: string, help: string, read: (role: NonNullable<Sync['master'] | Sync['backup']>) => number) {
  const metric: Metric<ValueRow> = {
    ...{ name, type: 'counter', help, labelNames: ['role'] },
    rows: ({ sync }) => rowsOf(sync, read),
    value: ({ value }) => value,
  };
  return metric;
}

function ofKinds(name: string, help: string, label: string, read: (sync: Sync) => Record<string, number> | undefined) {
  const metric: Metric<ValueRow> = {
    ...{ name, type: 'counter', help, labelNames: [label] },
    rows: ({ sync }) =>
      Object.entries((sync && read(sync)) ?? {}).map(([kind, value]) => ({
        labels: labelSet({ [label]: snakeCase(kind) }),
        value,
      })),
    value: ({ value }) => value,
  };
  return metric;
}

const waiting: Metric<ValueRow> = {
  ...{ name: 'tunvs_sync_waiting_records', type: 'gauge', labelNames: [] },
  help: 'Records that wait for their virtual service or their real server.',
  rows: ({ sync }) => (sync?.backup ? [{ labels: labelSet({}), value: sync.backup.waiting }] : []),
  value: ({ value }) => value,
};

type Peer =
  | NonNullable<NonNullable<Sync['master']>['peers']>[number]
  | NonNullable<NonNullable<Sync['backup']>['peers']>[number];

/** A row for each peer of each role; none where `read` has nothing of it. */
function ofPeers(type: 'counter' | 'gauge', name: string, help: string, read: (peer: Peer) => number | undefined) {
  const metric: Metric<ValueRow> = {
    ...{ name, type, help, labelNames: ['role', 'peer'] },
    rows: ({ sync }) =>
      (['master', 'backup'] as const).flatMap((role) =>
        (sync?.[role]?.peers ?? []).flatMap((peer: Peer) => {
          const value = read(peer);
          return value === undefined ? [] : [{ labels: labelSet({ role, peer: peer.address }), value }];
        }),
      ),
    value: ({ value }) => value,
  };
  return metric;
}

export const syncMetrics = [
  ofRoles('tunvs_sync_messages_total', 'Messages of connection sync that were sent or received.', (r) => r.messages),
  ofRoles('tunvs_sync_message_bytes_total', 'Bytes of these messages, without headers of UDP.', (r) => r.bytes),
  ofRoles(
    'tunvs_sync_records_total',
    'Records in these messages; of received ones, the well-formed.',
    (r) => r.records,
  ),
  ofKinds(
    'tunvs_sync_lost_total',
    'What a master could not tell, and what a backup could not read.',
    'what',
    (sync) => ({
      ...(sync.master && {
        notes: sync.master.notesLost,
        records: sync.master.recordsLost,
        sendFailures: sync.master.messagesFailed,
      }),
      ...(sync.backup && { receivedMessages: sync.backup.messagesLost }),
    }),
  ),
  ofKinds('tunvs_sync_refused_total', 'Received messages, and parts of them, that were refused.', 'reason', (sync) =>
    sync.backup ? { ...sync.backup.refused } : undefined,
  ),
  ofKinds('tunvs_sync_record_outcomes_total', 'What has become of received records.', 'outcome', (sync) =>
    sync.backup ? { ...sync.backup.outcomes } : undefined,
  ),
  waiting,
  ofPeers('gauge', 'tunvs_sync_peer_up', 'Whether the peer is heard.', ({ state }) => Number(state !== 'away')),
  ofPeers(
    'gauge',
    'tunvs_sync_peer_caught_up',
    'Whether one side has all connections of the other; at a backup also of a peer that is away.',
    (peer) => Number('isCaughtUp' in peer ? peer.isCaughtUp : peer.state === 'caughtUp'),
  ),
  ofPeers(
    'gauge',
    'tunvs_sync_peer_lag_seconds',
    'How long the oldest message to the peer has been waiting for its confirmation.',
    (peer) => ('lagMs' in peer ? peer.lagMs / 1000 : undefined),
  ),
  ofPeers('gauge', 'tunvs_sync_peer_heard_seconds', 'How long ago the peer was heard.', (peer) =>
    'heardMsAgo' in peer && peer.heardMsAgo !== undefined ? peer.heardMsAgo / 1000 : undefined,
  ),
  ofPeers('counter', 'tunvs_sync_peer_messages_total', 'Messages to the peer, or from it.', (peer) => peer.messages),
  ofPeers('counter', 'tunvs_sync_peer_lost_total', 'Messages that are missing on the other side.', (peer) => peer.lost),
  ofPeers(
    'counter',
    'tunvs_sync_peer_transfers_total',
    'Transfers of the whole table: begun by a master, ended at a backup.',
    (peer) => peer.transfers,
  ),
  ofPeers(
    'counter',
    'tunvs_sync_peer_refused_total',
    'Datagrams of the peer that were refused.',
    (peer) => peer.refused,
  ),
] as readonly Metric[];
