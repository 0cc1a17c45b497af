/** Forwarding methods between rules and the library, which say the same in words of their own. */
import type { ForwardingMethod, TunnelChecksum } from '../values/forwarding-method.js';
import type { ServerSettings, TunnelChecksum as WrittenChecksum } from './command.js';

interface Forwarding {
  forwarding: ForwardingMethod;
  /** GUE only. */
  tunnelPort: number;
  tunnelChecksum: TunnelChecksum;
}

type WrittenForwarding = Pick<ServerSettings, 'forwarding' | 'tunnelPort' | 'tunnelChecksum'>;

const CHECKSUMS: Readonly<Record<WrittenChecksum, TunnelChecksum>> = {
  nocsum: 'none',
  csum: 'checksum',
  remcsum: 'remote',
};

const WRITTEN = Object.fromEntries(
  Object.entries(CHECKSUMS).map(([written, checksum]) => [checksum, written]),
) as Record<TunnelChecksum, WrittenChecksum>;

/** REQUIRES: checkSupported() let the rule pass. */
export function forwardingOptions(settings: WrittenForwarding): Partial<Forwarding> & Pick<Forwarding, 'forwarding'> {
  const { tunnelPort, tunnelChecksum } = settings;
  return {
    forwarding: settings.forwarding as ForwardingMethod,
    ...(tunnelPort !== undefined && { tunnelPort }),
    tunnelChecksum: CHECKSUMS[tunnelChecksum ?? 'nocsum'],
  };
}

/** As a rule of ipvsadm's says it: GRE and GUE name their checksum, GUE its port, the others neither. */
export function writtenForwarding({ forwarding, tunnelPort, tunnelChecksum }: Forwarding): WrittenForwarding {
  if (forwarding === 'gue') return { forwarding, tunnelPort, tunnelChecksum: WRITTEN[tunnelChecksum] };
  return forwarding === 'gre' ? { forwarding, tunnelChecksum: WRITTEN[tunnelChecksum] } : { forwarding };
}
