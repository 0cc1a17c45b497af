/** Judges an option's value by itself when the option is reached, as ipvsadm does: the leftmost mistake is the one named. */
import type { CommandName } from './command.js';
import type { OptionGroup } from './options.js';
import {
  parseClientTold,
  parseDaemonRole,
  parseLowerThreshold,
  parseMark,
  parseMulticastGroup,
  parseMulticastPort,
  parseMulticastTtl,
  parseRealEndpoint,
  parseSyncId,
  parseSyncMaxLength,
  parseTimeout,
  parseTunnelPort,
  parseTunnelType,
  parseUpperThreshold,
  parseVirtualEndpoint,
  parseWeight,
  type Written,
} from './values.js';

/** Masks and scheduler flags are missing: they depend on other options. */
const JUDGES: Partial<Record<OptionGroup, (written: Written, long: string) => unknown>> = {
  'service-address': (written, long) =>
    long === 'fwmark-service' ? parseMark(written) : parseVirtualEndpoint(written),
  'real-server': parseRealEndpoint,
  persistent: (written) => parseTimeout(written, 1),
  weight: parseWeight,
  'u-threshold': parseUpperThreshold,
  'l-threshold': parseLowerThreshold,
  'tun-type': parseTunnelType,
  'tun-port': parseTunnelPort,
  'client-address': parseClientTold,
  syncid: parseSyncId,
  'sync-maxlen': parseSyncMaxLength,
  'mcast-group': parseMulticastGroup,
  'mcast-port': parseMulticastPort,
  'mcast-ttl': parseMulticastTtl,
};

/** Throws a RulesError for a value that is wrong whatever else is written. */
export function judgeOption(
  group: OptionGroup,
  { long, spelling, value }: { long: string; spelling: string; value: string | undefined },
): void {
  if (value !== undefined) JUDGES[group]?.({ spelling, value }, long);
}

/** Judges the value of a command that takes one. */
export function judgeCommand(command: CommandName, spelling: string, value: string | undefined): void {
  if (command === 'startDaemon' || command === 'stopDaemon') parseDaemonRole({ spelling, value: value ?? '' });
}
