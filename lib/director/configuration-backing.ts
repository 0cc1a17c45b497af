/** What a configuration needs of its director and of the host. */
import type { NatServer } from '../host/nat/nat-server.js';
import type { NativeOperation } from '../native/operations.js';
import type { NatKnowledge } from './nat-knowledge.js';
import type { Role } from '../values/role.js';
import type { PolicyBacking } from '../policy/policy.js';
import type { ConfigurationEvent } from './events.js';
import type { HandleBacking } from './handle-backing.js';

/** What a host does for virtual addresses. Removing does not throw. */
export interface VipRoutes {
  /** Adds all of them or none. */
  addVips(prefixes: readonly string[]): void;
  removeVips(prefixes: readonly string[]): void;
  /** Makes the address or range the host's own as well, for its services. REQUIRES: addVips(). */
  addLocalNode(prefix: string): void;
  removeLocalNode(prefix: string): void;
  /** Brings replies of these servers to the director, and of no others. When it throws, all is as it was. */
  setNatServers(servers: readonly NatServer[]): void;
  /** Directs what full NAT gives to packets to the director. */
  setNatSources(sources: readonly string[]): void;
  /** These addresses are the director's and not directed to it now: health checks have a way to them all the same. */
  holdBack(prefixes: ReadonlySet<string>): void;
}

export interface ConfigurationBacking extends HandleBacking {
  /** Applies all or none. Throws ERR_TUNVS_CLOSED when the director is closed. */
  apply(operations: NativeOperation[]): void;
  /** Undefined when somebody else sets up the host. */
  vipRoutes: VipRoutes | undefined;
  natServers: NatKnowledge;
  /** Told which addresses and ranges are the director's, whoever sets up the host. */
  takePrefixes?: ((prefixes: ReadonlySet<string>) => void) | undefined;
  /** The role to begin with; active by default. */
  role?: Role;
  /** What full NAT gives to packets. */
  natSources?: readonly string[];
  /** Says what is odd on the host. */
  warnOfHost?(message: string): void;
  /** Called once per change, in order, when all of them are in force. */
  tell(event: ConfigurationEvent): void;
  /** Belongs to the policies of its services. */
  policies: PolicyBacking;
}
