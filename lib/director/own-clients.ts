/** The director's host as a client of its own virtual addresses, as health checks make it. */
import type { DirectorHost } from '../host/director-host.js';
import { OWN_HOP_LIMIT } from '../host/own-route.js';

/** What the host needs for its own clients is held. @internal */
export interface OwnClientsHold {
  /** The TTL or hop limit that packets of the host's own clients have, and nobody else's; 0 when that is not so. */
  readonly hopLimit: number;
  /** Calling it twice is fine. */
  release(): void;
}

/** Does nothing without a host. Once the director is closed, nothing is left to be given back. */
export function holdOwnClients(
  host: DirectorHost | undefined,
  virtualAddresses: readonly string[],
  isClosed: () => boolean,
): OwnClientsHold {
  host?.addOwnClients(virtualAddresses);
  let isHeld = host !== undefined;
  const release = () => {
    if (isHeld && !isClosed()) host?.removeOwnClients(virtualAddresses);
    isHeld = false;
  };
  return { hopLimit: host === undefined ? 0 : OWN_HOP_LIMIT, release };
}
