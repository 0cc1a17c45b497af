/** Reads the options of -a and -e. An edit without an option restores the default, as ipvsadm's does. */
import { DEFAULT_WEIGHT, type ForwardingMethod, type ServerSettings, type TunnelChecksum } from './command.js';
import { RulesError } from './errors.js';
import { CHECKSUMS, type WrittenForwarding } from './forwarding.js';
import type { GivenOptions } from './given-options.js';
import type { OptionGroup } from './options.js';
import { traitsOf } from '../values/forwarding-method.js';
import {
  parseClientTold,
  parseLowerThreshold,
  parseTunnelPort,
  parseTunnelType,
  parseUpperThreshold,
  parseWeight,
} from './values.js';

export function parseServerSettings(options: GivenOptions): ServerSettings {
  const weight = options.read('weight', parseWeight) ?? DEFAULT_WEIGHT;
  const upperThreshold = options.read('u-threshold', parseUpperThreshold) ?? 0;
  const lowerThreshold = options.read('l-threshold', parseLowerThreshold) ?? 0;
  return { ...parseForwarding(options), weight, upperThreshold, lowerThreshold };
}

const WITHOUT_TUNNEL: Readonly<Record<string, ForwardingMethod>> = { gatewaying: 'dr', masquerading: 'nat' };

const CHECKSUM_OPTIONS = ['tun-nocsum', 'tun-csum', 'tun-remcsum'] as const;
const TUNNEL_OPTIONS = ['tun-type', 'tun-port', ...CHECKSUM_OPTIONS] as const;

function parseForwarding(options: GivenOptions): WrittenForwarding {
  const method = options.get('forwarding-method')?.long ?? 'gatewaying';
  const type = options.read('tun-type', parseTunnelType) ?? 'ipip';
  const tunnelPort = options.read('tun-port', parseTunnelPort);
  if (options.has('full-nat') && method !== 'masquerading')
    throw new RulesError('--full-nat is for masquerading only: add -m', { token: '--full-nat' });
  const told = options.read('client-address', parseClientTold);
  if (told !== undefined && !options.has('full-nat'))
    throw new RulesError('--client-address is for full NAT only: add -m --full-nat', { token: '--client-address' });
  if (method !== 'ipip') {
    const said = 'Tunnel options conflict with forward method';
    refuse(options, TUNNEL_OPTIONS, () => ({ why: 'is for tunnels only: add -i', said }));
    if (!options.has('full-nat')) return { forwarding: WITHOUT_TUNNEL[method] ?? 'dr' };
    return { forwarding: 'snat', ...(told !== undefined && told !== 'none' && { clientAddress: told }) };
  }
  const { hasPort, checksums } = traitsOf(type);
  const illegal = (why: string) => (option: OptionGroup) => ({
    why,
    said: `Illegal '${option}' option with the '${type}' tunnel type`,
  });
  const isPlain = !hasPort && checksums.length === 1;
  const plain = `does not go with an ${type} tunnel: leave it out, or add --tun-type gue`;
  if (!hasPort)
    refuse(options, ['tun-port'], illegal(isPlain ? plain : `does not go with a ${type} tunnel: leave it out`));
  if (isPlain) {
    refuse(options, CHECKSUM_OPTIONS, illegal(plain));
    return { forwarding: type };
  }
  if (hasPort && tunnelPort === undefined) {
    throw new RulesError(`--tun-type ${type} needs the UDP port of the tunnel: add --tun-port PORT`, {
      token: '--tun-type',
      ipvsadm: { text: `You need to supply the 'tun-port' option for the '${type}' tunnel type`, exitStatus: 2 },
    });
  }
  const tunnelChecksum = checksumOf(options, type, (checksum) => checksums.includes(CHECKSUMS[checksum]), illegal);
  return { forwarding: type, ...(tunnelPort !== undefined && { tunnelPort }), tunnelChecksum };
}

type Illegal = (why: string) => (option: OptionGroup) => Refusal;

/** Goes through the options in an order of ipvsadm's, whatever the order in the rule is. */
function checksumOf(
  options: GivenOptions,
  type: string,
  isPossible: (checksum: TunnelChecksum) => boolean,
  illegal: Illegal,
): TunnelChecksum {
  let chosen: TunnelChecksum | undefined;
  for (const option of CHECKSUM_OPTIONS.filter((each) => options.has(each))) {
    const checksum = option.slice('tun-'.length) as TunnelChecksum;
    if (!isPossible(checksum)) refuse(options, [option], illegal('is for gue only: write --tun-csum or --tun-nocsum'));
    const before = chosen;
    if (before !== undefined)
      refuse(options, [option], () => ({
        why: `and --tun-${before} exclude each other: keep one of them`,
        said: `The option '${option}' conflicts with the 'tun-${before}' option in the '${type}' tunnel type`,
      }));
    chosen = checksum;
  }
  return chosen ?? 'nocsum';
}

interface Refusal {
  why: string;
  /** By ipvsadm. */
  said: string;
}

function refuse(options: GivenOptions, groups: readonly OptionGroup[], refusal: (group: OptionGroup) => Refusal): void {
  for (const group of groups) {
    const given = options.get(group);
    if (!given) continue;
    const { why, said } = refusal(group);
    throw new RulesError(`${given.spelling} ${why}`, {
      token: given.spelling,
      ipvsadm: { text: said, exitStatus: 2 },
    });
  }
}
