/** Reads what etcd answers. Whatever else it may be, nothing but keys, values and revisions comes of it. */
import { EtcdFailure } from './failure.js';

export interface KeyValue {
  /** Not UTF-8 is written with replacement characters, which no key of ours has. */
  key: string;
  value: string;
  /** When it was put last. */
  modRevision: number;
  /** The lease that it ends with. */
  lease?: string;
}

export interface RangeAnswer {
  /** Of the store, when this was read. */
  revision: number;
  clusterId: string;
  kvs: KeyValue[];
  more: boolean;
}

export interface Change {
  key: string;
  /** Undefined when the key was deleted. */
  value?: string;
  modRevision: number;
}

/** What a watch tells at once; all changes of a revision are in the same batch. */
export interface WatchBatch {
  revision: number;
  clusterId: string;
  changes: Change[];
}

type Fields = Record<string, unknown>;

/** Reads a 64-bit number, which JSON has as text. */
export function whole(value: unknown): number {
  const number = typeof value === 'string' && /^\d{1,19}$/.test(value) ? Number(value) : value;
  if (typeof number === 'number' && Number.isSafeInteger(number) && number >= 0) return number;
  throw new RangeError('a number is missing or too large');
}

function decoded(value: unknown = ''): string {
  if (typeof value !== 'string') throw new RangeError('a key or a value is no text');
  return Buffer.from(value, 'base64').toString();
}

const fieldsOf = (value: unknown): Fields => {
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) return value as Fields;
  throw new RangeError('a part is missing');
};

const listOf = (value: unknown): unknown[] => {
  if (value === undefined) return [];
  if (Array.isArray(value)) return value;
  throw new RangeError('a list is none');
};

const clusterOf = ({ cluster_id: id }: Fields) => (typeof id === 'string' && id.length <= 20 ? id : '');

function keyValueOf(value: unknown): KeyValue {
  const fields = fieldsOf(value);
  const { lease } = fields;
  return {
    key: decoded(fields.key),
    value: decoded(fields.value),
    modRevision: whole(fields.mod_revision),
    ...(typeof lease === 'string' && lease !== '0' && { lease }),
  };
}

export function rangeOf({ header, kvs, more }: Fields): RangeAnswer {
  const head = fieldsOf(header);
  return {
    revision: whole(head.revision),
    clusterId: clusterOf(head),
    kvs: listOf(kvs).map(keyValueOf),
    more: more === true,
  };
}

/** @throws EtcdFailure when etcd has ended the watch. */
export function changesOf({ header, events, canceled, compact_revision, cancel_reason }: Fields): WatchBatch {
  if (canceled === true) {
    const reason = typeof cancel_reason === 'string' ? cancel_reason.slice(0, 300) : '';
    if (compact_revision !== undefined && compact_revision !== '0')
      throw new EtcdFailure('compacted', 'the revision of the watch has been compacted');
    if (/auth token|Unauthenticated/.test(reason)) throw new EtcdFailure('expired', reason);
    if (/permission denied/i.test(reason)) throw new EtcdFailure('denied', reason);
    throw new EtcdFailure('away', `the watch was cancelled${reason === '' ? '' : `: ${reason}`}`);
  }
  const head = fieldsOf(header);
  const changes = listOf(events).map((event): Change => {
    const { type, kv } = fieldsOf(event);
    const { key, value, modRevision } = keyValueOf(kv);
    return type === 'DELETE' || type === 1 ? { key, modRevision } : { key, value, modRevision };
  });
  return { revision: whole(head.revision), clusterId: clusterOf(head), changes };
}
