/** Connection sync, as the addon has it. */

export interface NativeSyncOptions {
  interface: string;
  /** [0, 255]; 0: a backup takes messages of any. */
  syncid: number;
  /** Of a message, [0, 65507]; 0: as many as go unfragmented. */
  maxMessageBytes: number;
  /** A multicast address. */
  group: string;
  /** [1, 65535]; the first of as many as `sync_ports` says. */
  port: number;
  /** [1, 255] */
  ttl: number;
  /** With some there is no group, and the interface may be "". */
  peers: NativeSyncPeer[];
  /** The first signs, and all are believed; empty: nothing is signed. */
  keys: string[];
}

export interface NativeSyncPeer {
  address: string;
  port: number;
}

export type NativePeerState = 'away' | 'transferring' | 'caughtUp';

export interface NativeToldPeer extends NativeSyncPeer {
  state: NativePeerState;
  messages: number;
  bytes: number;
  lost: number;
  transfers: number;
  transferred: number;
  resent: number;
  lagMs: number;
  refused: number;
  lastRefusal?: string;
}

export interface NativeHeardPeer {
  address: string;
  state: NativePeerState;
  isCaughtUp: boolean;
  messages: number;
  lost: number;
  sessions: number;
  transfers: number;
  /** Left out where it was never heard. */
  heardMsAgo?: number;
  refused: number;
  lastRefusal?: string;
}

export interface NativeSyncRole {
  interface: string;
  syncid: number;
  maxMessageBytes: number;
  port: number;
  ports: number;
  isSigned: boolean;
  /** With a group. */
  group?: string;
  ttl?: number;
  messages: number;
  bytes: number;
  records: number;
}

export interface NativeSyncMaster extends NativeSyncRole {
  notesLost: number;
  recordsLost: number;
  messagesFailed: number;
  peers?: NativeToldPeer[];
}

export interface NativeSyncBackup extends NativeSyncRole {
  messagesLost: number;
  pauses: number;
  waiting: number;
  peers?: NativeHeardPeer[];
  /** By the names of `native.syncRefusals`. */
  refused: Record<string, number>;
  /** By the names of `native.syncOutcomes`. */
  outcomes: Record<string, number>;
}

/** A role that does not run is left out. */
export interface NativeSync {
  master?: NativeSyncMaster;
  backup?: NativeSyncBackup;
}
