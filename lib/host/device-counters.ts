/** What the kernel counts at a network device. */
import { readFileSync } from 'node:fs';

export interface DeviceCounters {
  receivedBytes: bigint;
  receivedPackets: bigint;
  receiveErrors: bigint;
  receiveDrops: bigint;
  sentBytes: bigint;
  sentPackets: bigint;
}

/** Reads a text in the form of /proc/net/dev; returns undefined when the device is not in it. */
export function parseDeviceCounters(text: string, device: string): DeviceCounters | undefined {
  const line = text.split('\n').find((candidate) => candidate.trimStart().startsWith(`${device}:`));
  if (line === undefined) return undefined;
  const fields = line
    .slice(line.indexOf(':') + 1)
    .trim()
    .split(/\s+/)
    .map(BigInt);
  const [receivedBytes = 0n, receivedPackets = 0n, receiveErrors = 0n, receiveDrops = 0n] = fields;
  return {
    receivedBytes,
    receivedPackets,
    receiveErrors,
    receiveDrops,
    sentBytes: fields[8] ?? 0n,
    sentPackets: fields[9] ?? 0n,
  };
}

export function readDeviceCounters(device: string): DeviceCounters | undefined {
  return parseDeviceCounters(readFileSync('/proc/net/dev', 'utf8'), device);
}
