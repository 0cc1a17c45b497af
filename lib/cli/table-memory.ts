/** Refuses, beforehand, a connection table that an offline director could not have: it would be killed in the middle. */
import { UsageError } from './verb.js';

/** Bytes that a connection takes in the tables of both families, as `stats().table.bytes` says. */
export const BYTES_A_CONNECTION = 139;

/** `availableBytes` is what this process can have, within its cgroup as well. */
export function refuseLargeTable(maxConnections: number | undefined, availableBytes = process.availableMemory()): void {
  const needed = (maxConnections ?? 0) * BYTES_A_CONNECTION;
  if (needed <= availableBytes) return;
  throw new UsageError(
    `--max-connections ${maxConnections}: the table needs about ${inGigabytes(needed)}, and this host has ` +
      `${inGigabytes(availableBytes)} available: give at most ${Math.floor(availableBytes / BYTES_A_CONNECTION)}`,
  );
}

function inGigabytes(bytes: number): string {
  return bytes < 1e8 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}
