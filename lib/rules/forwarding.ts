/** Translates forwarding methods between rules and the library, which name the same methods in words of their own. */
import { type ClientTold, type ForwardingMethod, type TunnelChecksum, traitsOf } from '../values/forwarding-method.js';
import type { ServerSettings, TunnelChecksum as WrittenChecksum } from './command.js';

interface Forwarding {
  forwarding: ForwardingMethod;
  /** For GUE only. */
  tunnelPort: number;
  tunnelChecksum: TunnelChecksum;
  /** For full NAT only. */
  clientAddress: ClientTold;
}

export type WrittenForwarding = Pick<ServerSettings, 'forwarding' | 'tunnelPort' | 'tunnelChecksum' | 'clientAddress'>;

export const CHECKSUMS: Readonly<Record<WrittenChecksum, TunnelChecksum>> = {
  nocsum: 'none',
  csum: 'checksum',
  remcsum: 'remote',
};

const WRITTEN = Object.fromEntries(
  Object.entries(CHECKSUMS).map(([written, checksum]) => [checksum, written]),
) as Record<TunnelChecksum, WrittenChecksum>;

export function forwardingOptions(settings: WrittenForwarding): Partial<Forwarding> & Pick<Forwarding, 'forwarding'> {
  const { tunnelPort, tunnelChecksum, clientAddress = 'none' } = settings;
  return {
    forwarding: settings.forwarding,
    ...(tunnelPort !== undefined && { tunnelPort }),
    tunnelChecksum: CHECKSUMS[tunnelChecksum ?? 'nocsum'],
    clientAddress,
  };
}

/**
 * Writes it as a rule of ipvsadm's: a tunnel names its port where it has one, and its checksum where it has a choice.
 * Full NAT names how the client's address is told, if it is.
 */
export function writtenForwarding(given: Forwarding): WrittenForwarding {
  const { forwarding, tunnelPort, tunnelChecksum, clientAddress } = given;
  const { hasPort, checksums } = traitsOf(forwarding);
  return {
    forwarding,
    ...(hasPort && { tunnelPort }),
    ...(checksums.length > 1 && { tunnelChecksum: WRITTEN[tunnelChecksum] }),
    ...(clientAddress !== 'none' && { clientAddress }),
  };
}
