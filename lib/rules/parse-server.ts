/** Reads the options of -a and -e. An edit without an option restores the default, as ipvsadm's does. */
import { DEFAULT_WEIGHT, type ForwardingMethod, type ServerSettings, type TunnelChecksum } from './command.js';
import { RulesError } from './errors.js';
import { CHECKSUMS } from './forwarding.js';
import type { GivenOptions } from './given-options.js';
import type { OptionGroup } from './options.js';
import { traitsOf } from '../values/forwarding-method.js';
import { parseLowerThreshold, parseTunnelPort, parseTunnelType, parseUpperThreshold, parseWeight } from './values.js';

export function parseServerSettings(options: GivenOptions): ServerSettings {
  const weight = options.read('weight', parseWeight) ?? DEFAULT_WEIGHT;
  const upperThreshold = options.read('u-threshold', parseUpperThreshold) ?? 0;
  const lowerThreshold = options.read('l-threshold', parseLowerThreshold) ?? 0;
  return { ...parseForwarding(options), weight, upperThreshold, lowerThreshold };
}

type Forwarding = Pick<ServerSettings, 'forwarding' | 'tunnelPort' | 'tunnelChecksum'>;

const WITHOUT_TUNNEL: Readonly<Record<string, ForwardingMethod>> = { gatewaying: 'dr', masquerading: 'nat' };

function parseForwarding(options: GivenOptions): Forwarding {
  const method = options.get('forwarding-method')?.long ?? 'gatewaying';
  const type = options.read('tun-type', parseTunnelType) ?? 'ipip';
  const tunnelPort = options.read('tun-port', parseTunnelPort);
  if (method !== 'ipip') {
    refuse(options, ['tun-type', 'tun-port', 'tun-checksum'], 'is for tunnels only: add -i');
    return { forwarding: WITHOUT_TUNNEL[method] ?? 'dr' };
  }
  const { hasPort, checksums } = traitsOf(type);
  if (!hasPort && checksums.length === 1) {
    const mend = `does not go with an ${type} tunnel: leave it out, or add --tun-type gue`;
    refuse(options, ['tun-port', 'tun-checksum'], mend);
    return { forwarding: type };
  }
  const tunnelChecksum = (options.get('tun-checksum')?.long.slice('tun-'.length) ?? 'nocsum') as TunnelChecksum;
  if (!hasPort) refuse(options, ['tun-port'], `does not go with a ${type} tunnel: leave it out`);
  if (!checksums.includes(CHECKSUMS[tunnelChecksum]))
    refuse(options, ['tun-checksum'], 'is for gue only: write --tun-csum or --tun-nocsum');
  if (!hasPort) return { forwarding: type, tunnelChecksum };
  if (tunnelPort === undefined) {
    throw new RulesError(`--tun-type ${type} needs the UDP port of the tunnel: add --tun-port PORT`, {
      token: '--tun-type',
    });
  }
  return { forwarding: type, tunnelPort, tunnelChecksum };
}

function refuse(options: GivenOptions, groups: OptionGroup[], why: string): void {
  for (const group of groups) {
    const given = options.get(group);
    if (given) throw new RulesError(`${given.spelling} ${why}`, { token: given.spelling });
  }
}
