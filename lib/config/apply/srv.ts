/** SRV records (RFC 2782): which of them count, and what their weights are worth. */
import type { ServiceRecord } from './resolver.js';

/** `_http._tcp.web.internal` names a service, which has SRV records; every other name has addresses. */
export function isServiceName(name: string): boolean {
  return /^_[^.]+\._[^.]+\./.test(name);
}

/**
 * Returns the records of the lowest priority, which are those to be used while they can be reached; nobody asks here
 * whether they can. A target `.` says that there is no such service.
 */
export function chosenRecords(records: readonly ServiceRecord[]): Omit<ServiceRecord, 'priority'>[] {
  const lowest = Math.min(...records.map(({ priority }) => priority));
  return records
    .filter(({ priority, name }) => priority === lowest && name !== '' && name !== '.')
    .map(({ name, port, weight }) => ({ name, port, weight }));
}

/**
 * Returns the weight of a server: the record's, times that of the file. Where no record has a weight, they are equal;
 * beside others, a record of weight 0 has "a very small chance" (RFC 2782), not none.
 */
export function serverWeight(record: number | undefined, ofFile: number, hasWeights: boolean): number {
  if (record === undefined || !hasWeights || ofFile === 0) return ofFile;
  return Math.max(1, record * ofFile);
}
