/** Connection sync: directors tell each other of their connections, in the messages of IPVS's sync daemons. */
import type { NativeSync, NativeSyncOptions } from '../native/sync.js';
import { TunvsError } from '../values/errors.js';
import { addressBytes, canonicalAddress } from '../values/inet.js';
import { checkedOptions, choiceOption, integerOption, refuse } from '../values/options.js';
import { keysOption, peersOption } from './sync-peers.js';

/** A master tells its backups of connections; a backup takes what a master tells. */
export type SyncRole = 'master' | 'backup';

/** All {@link SyncRole}s. */
export const syncRoles = ['master', 'backup'] as const;

/**
 * How {@link Director.startSync} begins a role.
 *
 * @example
 * ```ts
 * import type { SyncOptions } from 'tunvs';
 *
 * const options: SyncOptions = { role: 'master', interface: 'eth1', syncid: 7 };
 * console.log(options.role); // master
 * ```
 */
export interface SyncOptions {
  /** Whether the director tells or is told. Both roles may run at once. */
  role: SyncRole;
  /**
   * The name of the interface by which messages leave or come in; with `peers` it may be left out, for any. Without keys,
   * who can send there is believed.
   */
  interface?: string;
  /**
   * The other directors, [1, 16] addresses, each alone or with the port of its backup (`'10.2.0.3:8848'`). With them
   * messages go to each and come from each, in place of a multicast group: they are numbered, so that lost ones are
   * counted; a backup that begins late gets the whole table; and with keys they are signed. Kernels do not speak this.
   */
  peers?: readonly string[];
  /**
   * A file with the keys by which peers sign, a line each of [16, 1024] bytes, read when the role begins: the first
   * signs, and all are believed, [1, 8]. Other users must not be able to read it. Without it peers are believed by their
   * address.
   */
  keyFile?: string;
  /**
   * The number that a master's messages carry, and that a backup takes, [0, 255]. A backup with 0 takes those of all
   * masters. The default is 0.
   */
  syncid?: number;
  /**
   * The longest message in bytes, [1, 65507]; a master sends none that would be fragmented, and none below 128 bytes. By
   * default it is what the interface's MTU has room for. A backup takes messages of any length.
   */
  maxMessageBytes?: number;
  /** The multicast group, of IPv4 or IPv6; the default is `224.0.0.81`. With `peers` there is none. */
  group?: string;
  /**
   * The first of the UDP ports, of which the sysctl `sync_ports` says how many there are, [1, 65535]; the default is
   * 8848. With `peers` there is one, at which a backup is spoken to.
   */
  port?: number;
  /** The TTL, or the hop limit, of what a master sends, [1, 255]; the default is 1. With `peers` it is the host's. */
  ttl?: number;
}

/** What a role of connection sync was begun with, and what it has counted since. */
export interface SyncRoleState {
  /** The name of the interface; `''` for any. */
  readonly interface: string;
  /** The number of the messages. */
  readonly syncid: number;
  /** The longest message that a master sends, in bytes; of a backup, the longest that would not be fragmented here. */
  readonly maxMessageBytes: number;
  /** The multicast group; left out with peers. */
  readonly group?: string;
  /** The first port. */
  readonly port: number;
  /** The TTL, or the hop limit, of what a master sends; left out with peers. */
  readonly ttl?: number;
  /** Whether messages are signed, and refused where they are not. */
  readonly isSigned: boolean;
  /** How many ports there are. */
  readonly ports: number;
  /** How many messages were sent, or have come in. */
  readonly messages: number;
  /** How many bytes these have, without the headers of UDP. */
  readonly bytes: number;
  /** How many records were in them; of a backup, those that are well formed. */
  readonly records: number;
}

/**
 * What one peer has of another: nothing is heard of it (`away`), it does not have all connections yet (`transferring`),
 * or it was told all that there are (`caughtUp`).
 */
export type SyncPeerState = 'away' | 'transferring' | 'caughtUp';

/** A peer that a master tells. */
export interface ToldPeer {
  /** The peer's address. */
  readonly address: string;
  /** The port of the peer's backup. */
  readonly port: number;
  /** What it has. */
  readonly state: SyncPeerState;
  /** How many datagrams were sent to it, with those of transfers and those that keep the session up. */
  readonly messages: number;
  /** How many bytes these have, without the headers of UDP. */
  readonly bytes: number;
  /** How many messages it has found missing. */
  readonly lost: number;
  /** How many transfers of the whole table were begun. */
  readonly transfers: number;
  /** How many messages of these it has taken. */
  readonly transferred: number;
  /** How many messages of these were sent again. */
  readonly resent: number;
  /** How long the oldest message has been waiting for its confirmation, in milliseconds; 0: none waits. */
  readonly lagMs: number;
  /** How many of its datagrams were refused. */
  readonly refused: number;
  /** Why the last of them was; left out where none was. */
  readonly lastRefusal?: SyncRefusal;
}

/** A peer that a backup hears. */
export interface HeardPeer {
  /** The peer's address. */
  readonly address: string;
  /** What this director has of it. */
  readonly state: SyncPeerState;
  /** Whether this director has all that the peer had when it was heard last; also of one that is away. */
  readonly isCaughtUp: boolean;
  /** How many of its messages were taken, with those of transfers. */
  readonly messages: number;
  /** How many messages are missing. */
  readonly lost: number;
  /** How many sessions it has begun: one with each start of the peer's master. */
  readonly sessions: number;
  /** How many transfers of the whole table came to their end. */
  readonly transfers: number;
  /** When it was heard last, in milliseconds before now; left out where it never was. */
  readonly heardMsAgo?: number;
  /** How many of its datagrams were refused. */
  readonly refused: number;
  /** Why the last of them was; left out where none was. */
  readonly lastRefusal?: SyncRefusal;
}

/** The state of a master. */
export interface SyncMasterState extends SyncRoleState {
  /** How often backups were not told of a connection because a worker had no room to note it. */
  readonly notesLost: number;
  /**
   * How many records were lost because `sync_qlen_max` messages waited, or because no message can hold them: of an
   * IPv6 server of an IPv4 service, for one.
   */
  readonly recordsLost: number;
  /** How many messages the kernel refused to send. */
  readonly messagesFailed: number;
  /** The peers that it tells; left out with a group. */
  readonly peers?: readonly ToldPeer[];
}

/** Why a backup has refused a message or a part of one; `docs/sync.md` has a sentence for each. */
export type SyncRefusal =
  | 'headerCut'
  | 'sizeWrong'
  | 'syncidOther'
  | 'versionUnknown'
  | 'recordCut'
  | 'recordTooLong'
  | 'recordTooShort'
  | 'recordVersion'
  | 'recordType'
  | 'optionCut'
  | 'optionEmpty'
  | 'optionLength'
  | 'optionRepeated'
  | 'sequencesCut'
  | 'optionUnknown'
  | 'protocolUnknown'
  | 'stateUnknown'
  | 'onePacket'
  | 'engineUnnamed'
  | 'senderUnknown'
  | 'peerCut'
  | 'sealWrong'
  | 'sessionOther'
  | 'replayed';

/** What has become of a record; `docs/sync.md` has a sentence for each. */
export type SyncOutcome =
  | 'made'
  | 'updated'
  | 'waiting'
  | 'keptLocal'
  | 'outOfDate'
  | 'noRoom'
  | 'badServer'
  | 'fullNat';

/** The state of a backup. */
export interface SyncBackupState extends SyncRoleState {
  /** How many messages found no room in the sockets. */
  readonly messagesLost: number;
  /** How often it took nothing for a while because there was too much; `sync_sock_size` gives the sockets more room. */
  readonly pauses: number;
  /** How many records wait now for their virtual service or their real server. */
  readonly waiting: number;
  /** The peers that it hears; left out with a group. */
  readonly peers?: readonly HeardPeer[];
  /** How many messages and parts of messages were refused, by reason. */
  readonly refused: Readonly<Record<SyncRefusal, number>>;
  /** How many records have become what. */
  readonly outcomes: Readonly<Record<SyncOutcome, number>>;
}

/** The state of connection sync: what runs. */
export interface SyncState {
  /**
   * Whether a peer has been told all; of a director that is only a backup, whether it has all of a peer, also of one that
   * has gone within the last minute. It is false while a transfer goes on, and left out without peers.
   */
  readonly isCaughtUp?: boolean;
  /** The master; undefined when the director is none. */
  readonly master?: SyncMasterState;
  /** The backup; undefined when the director is none. */
  readonly backup?: SyncBackupState;
}

export const DEFAULT_SYNC_GROUP = '224.0.0.81';
export const DEFAULT_SYNC_PORT = 8848;
const MAX_MESSAGE_BYTES = 65507;
const MAX_INTERFACE_BYTES = 15;

/** The part of the engine that runs the roles; an offline director has none. */
export interface SyncBacking {
  startSync(role: SyncRole, options: NativeSyncOptions): void;
  stopSync(role: SyncRole): boolean;
  sync(): NativeSync;
}

const OPTIONS = ['role', 'interface', 'peers', 'keyFile', 'syncid', 'maxMessageBytes', 'group', 'port', 'ttl'] as const;

/** @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT. */
export function checkedSyncOptions(given: SyncOptions): { role: SyncRole; options: NativeSyncOptions } {
  const call = 'startSync';
  const options = checkedOptions(call, given, OPTIONS);
  const role = choiceOption(`${call}: role`, options.role, syncRoles);
  const port = integerOption(`${call}: port`, options.port, 1, 65535, DEFAULT_SYNC_PORT);
  const peers = peersOption(`${call}: peers`, options.peers, port);
  refuseWhatDoesNotGo(call, options, peers.length !== 0);
  const isAny = peers.length !== 0 && options.interface === undefined;
  return {
    role,
    options: {
      interface: isAny ? '' : interfaceOption(`${call}: interface`, options.interface),
      syncid: integerOption(`${call}: syncid`, options.syncid, 0, 255, 0),
      maxMessageBytes: integerOption(`${call}: maxMessageBytes`, options.maxMessageBytes, 1, MAX_MESSAGE_BYTES, 0),
      group: groupOption(`${call}: group`, options.group),
      port,
      ttl: integerOption(`${call}: ttl`, options.ttl, 1, 255, 1),
      peers,
      keys: keysOption(`${call}: keyFile`, options.keyFile),
    },
  };
}

function refuseWhatDoesNotGo(
  call: string,
  options: Partial<Record<(typeof OPTIONS)[number], unknown>>,
  hasPeers: boolean,
) {
  const [others, why] = hasPeers
    ? ([['group', 'ttl'], 'with peers there is no multicast group'] as const)
    : ([['keyFile'], 'only messages to peers are signed, so name peers'] as const);
  const wrong = others.find((name) => options[name] !== undefined);
  if (wrong !== undefined)
    throw new TunvsError(
      'ERR_TUNVS_INVALID_ARGUMENT',
      `${call}: ${wrong}: ${why}${hasPeers ? ': leave it out' : ', or leave it out'}`,
      { option: wrong },
    );
}

function interfaceOption(name: string, value: unknown): string {
  const isName = typeof value === 'string' && value !== '' && Buffer.byteLength(value) <= MAX_INTERFACE_BYTES;
  return isName ? value : refuse(name, value, `an interface's name, of at most ${MAX_INTERFACE_BYTES} bytes`);
}

function groupOption(name: string, value: unknown): string {
  if (value === undefined) return DEFAULT_SYNC_GROUP;
  const address = typeof value === 'string' ? canonicalAddress(value) : undefined;
  const bytes = address === undefined ? undefined : addressBytes(address);
  const [first = 0] = bytes ?? [];
  const isMulticast = bytes?.length === 4 ? (first & 0xf0) === 0xe0 : first === 0xff;
  return isMulticast && address !== undefined
    ? address
    : refuse(name, value, "a multicast address such as '224.0.0.81'");
}

export function startSync(backing: SyncBacking | undefined, given: SyncOptions): void {
  const { role, options } = checkedSyncOptions(given);
  online(backing).startSync(role, options);
}

export function stopSync(backing: SyncBacking | undefined, given: SyncRole): void {
  const role = choiceOption('stopSync: role', given, syncRoles);
  if (online(backing).stopSync(role)) return;
  throw new TunvsError(
    'ERR_TUNVS_NOT_FOUND',
    `the director is no ${role} of connection sync: there is nothing to stop`,
  );
}

export function syncState(backing: SyncBacking | undefined): SyncState {
  const roles = (backing?.sync() ?? {}) as Omit<SyncState, 'isCaughtUp'>;
  const isCaughtUp = caughtUp(roles.master?.peers, roles.backup?.peers);
  return isCaughtUp === undefined ? roles : { isCaughtUp, ...roles };
}

/** How long a peer that has gone may be taken over from with what it told, in milliseconds. */
const GONE_MS = 60_000;

/** A director that tells is caught up when it has told; what it hears of others besides may be nothing. */
function caughtUp(told?: readonly ToldPeer[], heard?: readonly HeardPeer[]): boolean | undefined {
  if (told === undefined && heard === undefined) return undefined;
  const isWhole =
    told?.some(({ state }) => state === 'caughtUp') ??
    heard?.some((peer) => peer.isCaughtUp && (peer.state !== 'away' || (peer.heardMsAgo ?? Infinity) < GONE_MS));
  const isUnderWay = [...(told ?? []), ...(heard ?? [])].some(({ state }) => state === 'transferring');
  return isWhole === true && !isUnderWay;
}

function online(backing: SyncBacking | undefined): SyncBacking {
  if (backing !== undefined) return backing;
  throw new TunvsError(
    'ERR_TUNVS_UNSUPPORTED',
    'an offline director has no connection sync, which runs beside the workers of a device',
  );
}
