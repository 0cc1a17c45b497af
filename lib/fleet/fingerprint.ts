/**
 * Makes one word of all that decides where packets go, so that directors that disagree show. Directors with the same
 * fingerprint choose from the same servers with the same weights, by the same scheduler, for the same services.
 *
 * It goes by what is in force: a server that is down has the weight 0. A slow start does not count, nor do connections,
 * nor what each director has for itself: addresses, devices, sysctls, limits.
 */
import { createHash } from 'node:crypto';
import type { Director } from '../director/director.js';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import { serverName } from '../values/server-options.js';
import { serviceName } from '../values/service-key.js';

/** As much of a director as decides where packets go. */
export type Fingerprinted = Pick<Director, 'virtualServices' | 'marks'>;

const LENGTH = 16;

/** Returns 16 hexadecimal digits. */
export function fingerprintOf({ virtualServices, marks }: Fingerprinted): string {
  // The first rule that fits counts.
  const hash = createHash('sha256').update(canonical(marks));
  const services = virtualServices.map((service) => [serviceName(service), service] as const);
  for (const [name, service] of services.sort(([a], [b]) => (a < b ? -1 : 1))) {
    // Schedulers walk in the order of adding, which depends on the past.
    const servers = service.realServers.map(serverFacts).sort();
    hash.update(`\n${canonical([name, serviceFacts(service)])}\n${servers.join('\n')}`);
  }
  return hash.digest('hex').slice(0, LENGTH);
}

/** Returns the fingerprint of any facts. What is undefined counts as left out; the order of fields does not count. */
export function fingerprint(facts: unknown): string {
  return createHash('sha256').update(canonical(facts)).digest('hex').slice(0, LENGTH);
}

/** Writes the value as JSON with the fields of objects in order. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map((each) => canonical(each ?? null)).join()}]`;
  if (typeof value !== 'object' || value === null) return JSON.stringify(value ?? null);
  const fields = Object.entries(value).filter(([, each]) => each !== undefined);
  return `{${fields
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, each]) => `${JSON.stringify(name)}:${canonical(each)}`)
    .join()}}`;
}

function serviceFacts(service: VirtualService): object {
  const { scheduler, schedulerFlags, schedulerOptions, persistence, onePacket, midStream, slowStart } = service;
  const { rescheduleUdp, timeouts, policy } = service;
  return {
    ...{ scheduler, schedulerFlags: [...schedulerFlags].sort(), schedulerOptions, persistence, onePacket, midStream },
    ...{ slowStart, rescheduleUdp, timeouts, policy: policy && `${policy.kind} ${policy.name}` },
  };
}

/** There may be very many. */
function serverFacts(server: RealServer): string {
  // A server on one director's host is local there alone.
  const { forwarding, tunnelPort, tunnelChecksum, clientAddress } = server.askedForwarding;
  const { fullWeight, upperThreshold, lowerThreshold } = server;
  const how = `${forwarding} ${tunnelPort} ${tunnelChecksum} ${clientAddress}`;
  return `${serverName(server)} ${fullWeight} ${how} ${upperThreshold} ${lowerThreshold}`;
}
