/** Translates forwarding methods between rules and the library, which name the same methods in words of their own. */
import { type ForwardingMethod, type TunnelChecksum, traitsOf } from '../values/forwarding-method.js';
import type { ServerSettings, TunnelChecksum as WrittenChecksum } from './command.js';

interface Forwarding {
  forwarding: ForwardingMethod;
  /** For GUE only. */
  tunnelPort: number;
  tunnelChecksum: TunnelChecksum;
}

type WrittenForwarding = Pick<ServerSettings, 'forwarding' | 'tunnelPort' | 'tunnelChecksum'>;

export const CHECKSUMS: Readonly<Record<WrittenChecksum, TunnelChecksum>> = {
  nocsum: 'none',
  csum: 'checksum',
  remcsum: 'remote',
};

const WRITTEN = Object.fromEntries(
  Object.entries(CHECKSUMS).map(([written, checksum]) => [checksum, written]),
) as Record<TunnelChecksum, WrittenChecksum>;

export function forwardingOptions(settings: WrittenForwarding): Partial<Forwarding> & Pick<Forwarding, 'forwarding'> {
  const { tunnelPort, tunnelChecksum } = settings;
  return {
    forwarding: settings.forwarding,
    ...(tunnelPort !== undefined && { tunnelPort }),
    tunnelChecksum: CHECKSUMS[tunnelChecksum ?? 'nocsum'],
  };
}

/**
 * Writes it as a rule of ipvsadm's: a tunnel names its port where it has one, and its checksum where it has a choice.
 */
export function writtenForwarding({ forwarding, tunnelPort, tunnelChecksum }: Forwarding): WrittenForwarding {
  const { hasPort, checksums } = traitsOf(forwarding);
  return {
    forwarding,
    ...(hasPort && { tunnelPort }),
    ...(checksums.length > 1 && { tunnelChecksum: WRITTEN[tunnelChecksum] }),
  };
}
