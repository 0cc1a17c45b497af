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
}

export interface NativeSyncRole extends NativeSyncOptions {
  ports: number;
  messages: number;
  bytes: number;
  records: number;
}

export interface NativeSyncMaster extends NativeSyncRole {
  notesLost: number;
  recordsLost: number;
  messagesFailed: number;
}

export interface NativeSyncBackup extends NativeSyncRole {
  messagesLost: number;
  pauses: number;
  waiting: number;
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
