/** Connection sync: directors tell each other of their connections, in the messages of IPVS's sync daemons. */
import type { NativeSync, NativeSyncOptions } from '../native/sync.js';
import { TunvsError } from '../values/errors.js';
import { addressBytes, canonicalAddress } from '../values/inet.js';
import { checkedOptions, choiceOption, integerOption, refuse } from '../values/options.js';

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
  /** The name of the interface by which messages leave or come in. Who can send there is believed. */
  interface: string;
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
  /** The multicast group, of IPv4 or IPv6; the default is `224.0.0.81`. */
  group?: string;
  /** The first of the UDP ports, of which the sysctl `sync_ports` says how many there are, [1, 65535]; the default is 8848. */
  port?: number;
  /** The TTL, or the hop limit, of what a master sends, [1, 255]; the default is 1. */
  ttl?: number;
}

/** What a role of connection sync was begun with, and what it has counted since. */
export interface SyncRoleState {
  /** The name of the interface. */
  readonly interface: string;
  /** The number of the messages. */
  readonly syncid: number;
  /** The longest message that a master sends, in bytes; of a backup, the longest that would not be fragmented here. */
  readonly maxMessageBytes: number;
  /** The multicast group. */
  readonly group: string;
  /** The first port. */
  readonly port: number;
  /** The TTL, or the hop limit, of what a master sends. */
  readonly ttl: number;
  /** How many ports there are. */
  readonly ports: number;
  /** How many messages were sent, or have come in. */
  readonly messages: number;
  /** How many bytes these have, without the headers of UDP. */
  readonly bytes: number;
  /** How many records were in them; of a backup, those that are well formed. */
  readonly records: number;
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
  | 'engineUnnamed';

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
  /** How many messages and parts of messages were refused, by reason. */
  readonly refused: Readonly<Record<SyncRefusal, number>>;
  /** How many records have become what. */
  readonly outcomes: Readonly<Record<SyncOutcome, number>>;
}

/** The state of connection sync: what runs. */
export interface SyncState {
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

const OPTIONS = ['role', 'interface', 'syncid', 'maxMessageBytes', 'group', 'port', 'ttl'] as const;

/** @throws {@link TunvsError} ERR_TUNVS_INVALID_ARGUMENT. */
export function checkedSyncOptions(given: SyncOptions): { role: SyncRole; options: NativeSyncOptions } {
  const call = 'startSync';
  const options = checkedOptions(call, given, OPTIONS);
  return {
    role: choiceOption(`${call}: role`, options.role, syncRoles),
    options: {
      interface: interfaceOption(`${call}: interface`, options.interface),
      syncid: integerOption(`${call}: syncid`, options.syncid, 0, 255, 0),
      maxMessageBytes: integerOption(`${call}: maxMessageBytes`, options.maxMessageBytes, 1, MAX_MESSAGE_BYTES, 0),
      group: groupOption(`${call}: group`, options.group),
      port: integerOption(`${call}: port`, options.port, 1, 65535, DEFAULT_SYNC_PORT),
      ttl: integerOption(`${call}: ttl`, options.ttl, 1, 255, 1),
    },
  };
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
  return (backing?.sync() ?? {}) as SyncState;
}

function online(backing: SyncBacking | undefined): SyncBacking {
  if (backing !== undefined) return backing;
  throw new TunvsError(
    'ERR_TUNVS_UNSUPPORTED',
    'an offline director has no connection sync, which runs beside the workers of a device',
  );
}
