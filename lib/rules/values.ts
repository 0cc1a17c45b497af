/** Reads the values of options; a mistake names the word and what was expected. */
import { type ClientTold, clientToldWays, type ForwardingMethod, tunnelMethods } from '../values/forwarding-method.js';
import { addressBytes, addressFamily, parseEndpoint, parsePort } from '../values/inet.js';
import { parsePrefix } from '../values/prefix.js';
import { type SchedulerFlag as FlagName, schedulerFlagName, schedulerFlagNumbers } from '../values/scheduler.js';
import { MAX_TIMEOUT_SECONDS } from '../values/timeouts.js';
import { type DaemonRole, INT_MAX, type SchedulerFlag } from './command.js';
import { RulesError } from './errors.js';

/** An option's value as it was written. */
export interface Written {
  spelling: string;
  value: string;
}

interface Range {
  minimum: number;
  maximum: number;
  /** Names what is counted, as in "a weight". */
  what: string;
  /** ipvsadm's words for a value out of range. */
  ipvsadmText: string;
}

export const parseWeight = (from: Written) =>
  parseWhole(from, { minimum: 0, maximum: INT_MAX, what: 'a weight', ipvsadmText: 'illegal weight specified' });

export const parseUpperThreshold = (from: Written) =>
  parseWhole(from, {
    minimum: 0,
    maximum: INT_MAX,
    what: 'a number of connections',
    ipvsadmText: 'illegal u_threshold specified',
  });

export const parseLowerThreshold = (from: Written) =>
  parseWhole(from, {
    minimum: 0,
    maximum: INT_MAX,
    what: 'a number of connections',
    ipvsadmText: 'illegal l_threshold specified',
  });

export const parseMark = (from: Written) =>
  parseWhole(from, {
    minimum: 1,
    maximum: 2 ** 32 - 1,
    what: 'a firewall mark',
    ipvsadmText: `invalid fwmark value \`${from.value}' specified`,
  });

export const parseTimeout = (from: Written, minimumSeconds: number) =>
  parseWhole(from, {
    minimum: minimumSeconds,
    maximum: MAX_TIMEOUT_SECONDS,
    what: 'a number of seconds',
    ipvsadmText: `invalid timeout value \`${from.value}' specified`,
  });

export const parseTunnelPort = (from: Written) =>
  parseWhole(from, { minimum: 1, maximum: 65535, what: 'a UDP port', ipvsadmText: 'illegal tunnel port specified' });

export const parseSyncId = (from: Written) =>
  parseWhole(from, { minimum: 0, maximum: 255, what: 'a sync id', ipvsadmText: 'illegal syncid specified' });

export const parseSyncMaxLength = (from: Written) =>
  parseWhole(from, {
    minimum: 1,
    maximum: 65507,
    what: 'a length in bytes',
    ipvsadmText: 'illegal sync-maxlen specified',
  });

export const parseMulticastPort = (from: Written) =>
  parseWhole(from, { minimum: 1, maximum: 65535, what: 'a UDP port', ipvsadmText: 'illegal mcast-port specified' });

export const parseMulticastTtl = (from: Written) =>
  parseWhole(from, { minimum: 1, maximum: 255, what: 'a TTL', ipvsadmText: 'illegal mcast-ttl specified' });

/** Accepts what ipvsadm does: decimal digits, and blanks and a plus sign before them. */
function parseWhole({ spelling, value }: Written, { minimum, maximum, what, ipvsadmText }: Range): number {
  const number = /^\s*\+?\d{1,10}$/.test(value) ? Number(value) : Number.NaN;
  if (number >= minimum && number <= maximum) return number;
  throw new RulesError(`${spelling} ${value}: write ${what} from ${minimum} to ${maximum}`, {
    token: value,
    ipvsadm: { text: ipvsadmText, exitStatus: 2 },
  });
}

interface VirtualEndpoint {
  address: string;
  port: number;
  lastPort?: number;
}

const ILLEGAL_VIRTUAL = 'illegal virtual server address[:port] specified';

/** Reads ipvsadm's ADDRESS[:PORT], and our ADDRESS/LENGTH[:PORT[-PORT]]. */
export function parseVirtualEndpoint(from: Written): VirtualEndpoint {
  const { base, length, lastPort } = splitRanges(from.value);
  const { address, port = 0 } = readEndpoint({ ...from, value: base }, ILLEGAL_VIRTUAL);
  const range = length === undefined ? address : parsePrefix(`${address}/${length}`);
  if (typeof range !== 'string') throw badVirtual(from, range.mistake);
  if (lastPort === undefined || lastPort === port) return { address: range, port };
  if (port === 0 || lastPort < port || lastPort > 65535)
    throw badVirtual(from, 'has no range of ports: write the lower port first, as in 8000-8099');
  return { address: range, port, lastPort };
}

/** Splits `[2001:db8::/64]:8000-8099` into `[2001:db8::]:8000`, 64 and 8099. */
function splitRanges(value: string) {
  const [, withoutLast = value, last] = /^(.*:\d{1,5})-(\d{1,5})$/.exec(value) ?? [];
  const [, head = '', length, tail = ''] = /^(\[?[^\]/]+)\/(\d{1,3})(\]?(?::\d{1,5})?)$/.exec(withoutLast) ?? [];
  return {
    base: length === undefined ? withoutLast : head + tail,
    length,
    lastPort: last === undefined ? undefined : Number(last),
  };
}

function badVirtual({ spelling, value }: Written, mistake: string): RulesError {
  return new RulesError(`${spelling} ${value} ${mistake}`, {
    token: value,
    ipvsadm: { text: ILLEGAL_VIRTUAL, exitStatus: 2 },
  });
}

export function parseRealEndpoint(from: Written): { address: string; port: number | undefined } {
  return readEndpoint(from, 'illegal real server address[:port] specified');
}

function readEndpoint({ spelling, value }: Written, ipvsadmText: string) {
  const endpoint = parseEndpoint(value);
  if ('mistake' in endpoint) {
    throw new RulesError(`${spelling} ${value} ${endpoint.mistake}`, {
      token: value,
      ipvsadm: { text: ipvsadmText, exitStatus: 2 },
    });
  }
  return endpoint;
}

/** Throws for what ipvsadm refuses when it reaches the option, whatever comes later. */
export function judgeNetmask({ spelling, value }: Written, familySoFar: 4 | 6): void {
  const number = Number.parseInt(value, 10);
  const isGood =
    familySoFar === 6 ? number >= 1 && number <= 128 : /^\d{1,10}$/.test(value) || addressFamily(value) === 4;
  if (isGood) return;
  const expected = familySoFar === 6 ? 'a prefix length from 1 to 128' : 'a dotted mask, as in 255.255.255.0';
  const text =
    familySoFar === 6 ? 'illegal ipv6 netmask specified' : 'illegal virtual server persistent mask specified';
  throw new RulesError(`${spelling} ${value}: write ${expected}`, { token: value, ipvsadm: { text, exitStatus: 2 } });
}

/** Returns undefined for the default, where each address is a client. */
export function parseNetmask({ spelling, value }: Written, family: 4 | 6): string | undefined {
  if (family === 6) {
    const length = parsePort(value);
    if (length !== undefined && length >= 1 && length <= 128) return length === 128 ? undefined : String(length);
  } else {
    const bytes = value.includes(':') ? undefined : addressBytes(value);
    if (bytes?.some((byte) => byte !== 0)) return bytes.every((byte) => byte === 255) ? undefined : bytes.join('.');
  }
  const expected =
    family === 6 ? 'a prefix length from 1 to 128' : 'a dotted mask other than 0.0.0.0, as in 255.255.255.0';
  throw new RulesError(`${spelling} ${value}: write ${expected}`, { token: value });
}

export function parseSchedulerFlags({ spelling, value }: Written, scheduler: string): SchedulerFlag[] {
  const names = value.split(',').filter((name) => name !== '');
  const flags = names.map((name) => {
    const flag = Object.hasOwn(schedulerFlagNumbers, name) ? schedulerFlagNumbers[name as FlagName] : undefined;
    if (flag === undefined) {
      throw new RulesError(
        `${spelling} ${value}: "${name}" is not a scheduler flag: use ${Object.keys(schedulerFlagNumbers).join(', ')}`,
        {
          token: name,
          ipvsadm: { text: `invalid scheduler flag \`${name}'`, exitStatus: 2 },
        },
      );
    }
    if (!name.startsWith('flag-') && !name.startsWith(`${scheduler}-`)) {
      throw new RulesError(
        `${spelling} ${value}: "${name}" goes with -s ${name.split('-')[0]}, not with -s ${scheduler}: leave it out`,
        {
          token: name,
          ipvsadm: { text: `incompatible scheduler flag \`${name}'`, exitStatus: 2 },
        },
      );
    }
    return flag;
  });
  return [...new Set(flags)].sort();
}

/** Returns the names that ipvsadm prints these flags with. */
export function schedulerFlagNames(scheduler: string, flags: readonly SchedulerFlag[]): FlagName[] {
  return flags.map((flag) => schedulerFlagName(scheduler, flag));
}

export function parseTunnelType({ spelling, value }: Written): ForwardingMethod {
  const method = tunnelMethods.find((each) => each === value);
  if (method !== undefined) return method;
  throw new RulesError(`${spelling} ${value}: write one of ${tunnelMethods.join(', ')}`, {
    token: value,
    ipvsadm: { text: 'illegal tunnel type specified', exitStatus: 2 },
  });
}

export function parseClientTold({ spelling, value }: Written): ClientTold {
  const told = clientToldWays.find((each) => each === value);
  if (told !== undefined) return told;
  throw new RulesError(`${spelling} ${value}: write one of ${clientToldWays.join(', ')}`, { token: value });
}

export function parseDaemonRole({ spelling, value }: Written): DaemonRole {
  if (value === 'master' || value === 'backup') return value;
  throw new RulesError(`${spelling} ${value}: write master or backup`, {
    token: value,
    // So it says for each of the two.
    ipvsadm: {
      text: /stop/.test(spelling) ? 'illegal start_daemon specified' : 'illegal start-daemon parameter specified',
      exitStatus: 2,
    },
  });
}

export function parseMulticastGroup({ spelling, value }: Written): string {
  const first = addressBytes(value);
  const isMulticast = first && (first.length === 4 ? ((first[0] ?? 0) & 0xf0) === 0xe0 : first[0] === 0xff);
  if (isMulticast) return value;
  throw new RulesError(`${spelling} ${value}: write a multicast address, as in 224.0.0.81`, {
    token: value,
    ipvsadm: { text: `invalid IPv${value.includes(':') ? 6 : 4} mcast-group \`${value}'`, exitStatus: 2 },
  });
}
