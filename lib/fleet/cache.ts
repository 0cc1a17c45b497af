/**
 * Keeps the last good configuration of a fleet on disk, for a start while etcd is away. The file is the user's own, mode
 * 0600, and whole at any time.
 */
import {
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  fsyncSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { roles } from '../values/role.js';
import type { Drained } from './drained-role.js';
import type { Snapshot } from './snapshot.js';

/** Beside the configuration itself it has little. */
const MAX_BYTES = 160 * 2 ** 20;
const VERSION = 1;

export interface Cached {
  snapshot: Snapshot;
  /** When it came into force, in milliseconds since 1970. */
  savedAtMs: number;
  /** The wish that this director is drained, which it obeys when it starts without etcd as well. */
  drain?: KeptDrain;
}

export interface KeptDrain extends Drained {
  member: string;
  wish: string;
}

export function saveCache(file: string, prefix: string, { snapshot, savedAtMs, drain }: Cached): void {
  const { revision, changedAt, clusterId, entries } = snapshot;
  const whole = { tunvsFleetCache: VERSION, prefix, savedAtMs, revision, changedAt, clusterId };
  const text = JSON.stringify({ ...whole, drain, entries: Object.fromEntries(entries) });
  const beside = `${file}.${process.pid}.new`;
  try {
    // What lies there by that name is nobody's who writes it now; a link would lead elsewhere.
    rmSync(beside, { force: true });
    const descriptor = openSync(beside, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
    try {
      fchmodSync(descriptor, 0o600);
      writeFileSync(descriptor, text);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(beside, file);
  } catch (error) {
    rmSync(beside, { force: true });
    throw error;
  }
}

/** Returns why there is none that can be used, in place of one. */
export function loadCache(file: string, prefix: string): Cached | { why: string } {
  let text: string;
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    try {
      const status = fstatSync(descriptor);
      if (!status.isFile()) return { why: `${file} is no file` };
      // Whoever can write it configures the director.
      if (status.uid !== process.geteuid?.() && status.uid !== 0)
        return { why: `${file} belongs to user ${status.uid}` };
      if ((status.mode & 0o022) !== 0) return { why: `${file} can be written by others: chmod 600 ${file}` };
      if (status.size > MAX_BYTES) return { why: `${file} is larger than ${MAX_BYTES} bytes` };
      text = readFileSync(descriptor, 'utf8');
    } finally {
      closeSync(descriptor);
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    return { why: code === 'ENOENT' ? `there is no ${file} yet` : `${file}: ${message}` };
  }
  return cachedOf(text, file, prefix);
}

function cachedOf(text: string, file: string, prefix: string): Cached | { why: string } {
  const broken = { why: `${file} holds no configuration of a fleet` };
  let whole: Record<string, unknown>;
  try {
    whole = JSON.parse(text) as Record<string, unknown>;
  } catch {
    // It is not JSON.
    return broken;
  }
  if (typeof whole !== 'object' || whole === null || whole.tunvsFleetCache !== VERSION) return broken;
  if (whole.prefix !== prefix) return { why: `${file} is of another prefix, ${String(whole.prefix)}` };
  const { revision, changedAt, savedAtMs, clusterId, entries } = whole;
  const drain = drainOf(whole.drain);
  const numbers = [revision, changedAt, savedAtMs];
  if (!numbers.every((each) => Number.isSafeInteger(each)) || typeof clusterId !== 'string') return broken;
  if (typeof entries !== 'object' || entries === null) return broken;
  const pairs = Object.entries(entries);
  if (!pairs.every(([, value]) => typeof value === 'string')) return broken;
  const snapshot = {
    revision,
    changedAt,
    clusterId,
    entries: new Map(pairs),
    drains: new Map(drain && [[drain.member, drain.wish]]),
  } as unknown as Snapshot;
  return { snapshot, savedAtMs: savedAtMs as number, ...(drain && { drain }) };
}

function drainOf(value: unknown): KeptDrain | undefined {
  const { member, wish, before } = (value ?? {}) as Record<string, unknown>;
  if (typeof member !== 'string' || typeof wish !== 'string') return undefined;
  const role = roles.find((each) => each === before);
  return { member, wish, ...(role && { before: role }) };
}
