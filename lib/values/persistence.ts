/** Persistence sends new connections of a client where its last one went. This checks what callers say about it. */
import { type AddressFamily, addressBytes, formatAddress } from './inet.js';
import type { NativeServiceRow } from '../native/rows.js';
import type { NativePersistence } from '../native/services.js';
import { checkedOptions, choiceOption, integerOption, refuse } from './options.js';
import { prefixFamily } from './prefix.js';
import type { ServiceIdentity } from './service-key.js';
import { MAX_TIMEOUT_SECONDS } from './timeouts.js';

/** The values of {@link PersistenceEngine}. */
export const persistenceEngines = ['sip'] as const;

/** Knows a client by more than its address. `sip` knows it by the Call-ID of SIP over UDP, if a packet has one. */
export type PersistenceEngine = (typeof persistenceEngines)[number];

/** Persistence sends new connections of a client to the real server that its last one went to. */
export interface Persistence {
  /** Sets how many seconds after its last new connection a client is remembered, [1, 2678400]; 360 by default. */
  timeoutSeconds?: number;
  /**
   * Says which clients count as one: a prefix length, or for IPv4 a dotted mask such as '255.255.255.0'. By default
   * each address counts by itself.
   */
  netmask?: string | number;
  /** Chooses the engine that knows clients. By default a client is known by its address. */
  engine?: PersistenceEngine;
}

/** The persistence that is in force. */
export interface PersistenceStats {
  /** The number of seconds after its last new connection that a client is remembered. */
  timeoutSeconds: number;
  /**
   * A dotted mask for IPv4, or a prefix length in digits for IPv6. It is left out when each address counts by itself.
   */
  netmask?: string;
  /** The engine that knows clients. It is left out when a client is known by its address. */
  engine?: PersistenceEngine;
}

/** The timeout of a bare `-p` of ipvsadm 1.31. */
const DEFAULT_TIMEOUT_SECONDS = 360;
const ADDRESS_BITS: Readonly<Record<AddressFamily, number>> = { 4: 32, 6: 128 };

/** Returns undefined where persistence is switched off. */
export function checkedPersistence(
  call: string,
  given: Persistence | false,
  service: ServiceIdentity,
): NativePersistence | undefined {
  if (given === false) return undefined;
  if (typeof given !== 'object' || given === null)
    return refuse(`${call}: persistence`, given, 'false or { timeoutSeconds, netmask, engine }');
  const value = checkedOptions(`${call}: persistence`, given, ['timeoutSeconds', 'netmask', 'engine']);
  const timeoutSeconds = integerOption(
    `${call}: timeoutSeconds`,
    value.timeoutSeconds,
    1,
    MAX_TIMEOUT_SECONDS,
    DEFAULT_TIMEOUT_SECONDS,
  );
  const netmask = checkedNetmask(`${call}: netmask`, value.netmask, prefixFamily(service.address));
  const { engine } = value;
  return {
    timeoutSeconds,
    ...(netmask !== undefined && { netmask }),
    ...(engine !== undefined && { engine: choiceOption(`${call}: engine`, engine, persistenceEngines) }),
  };
}

/** Returns the form of {@link PersistenceStats}. */
function checkedNetmask(name: string, value: unknown, family: AddressFamily): string | undefined {
  if (value === undefined) return undefined;
  const bits = ADDRESS_BITS[family];
  const length = typeof value === 'string' && /^\d{1,3}$/.test(value) ? Number(value) : value;
  if (typeof length === 'number' && Number.isInteger(length) && length >= 1 && length <= bits) {
    if (length === bits) return undefined;
    return family === 6 ? String(length) : formatAddress(maskOf(length));
  }
  const mask = typeof value === 'string' && family === 4 ? addressBytes(value) : undefined;
  if (mask?.length === 4 && mask.some((byte) => byte !== 0)) return isWhole(mask) ? undefined : formatAddress(mask);
  const dotted = family === 4 ? ", or a dotted mask other than '0.0.0.0'" : '';
  return refuse(name, value, `a prefix length from 1 to ${bits}${dotted}`);
}

function maskOf(length: number): Uint8Array {
  return Uint8Array.from({ length: 4 }, (_, at) => 0xff & ~(0xff >> Math.min(8, Math.max(0, length - 8 * at))));
}

const isWhole = (mask: Uint8Array) => mask.every((byte) => byte === 255);

export function persistenceStats({ persistence, address }: NativeServiceRow): PersistenceStats | undefined {
  if (persistence === undefined) return undefined;
  const { timeoutSeconds, engine } = persistence;
  const netmask = checkedNetmask('netmask', persistence.netmask, prefixFamily(address));
  return {
    timeoutSeconds,
    ...(netmask !== undefined && { netmask }),
    ...(engine !== undefined && { engine: engine as PersistenceEngine }),
  };
}
