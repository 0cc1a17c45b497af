/** What a handle needs of its owner: a virtual service of the configuration, a real server of its service. */
import type { NativeOperation } from '../native/operations.js';
import type { NativeServerConfig, NativeServiceKey } from '../native/services.js';
import type { PolicyBacking } from '../policy/policy.js';
import type { ServerSurroundings } from '../values/server-options.js';
import type { ServiceIdentity } from '../values/service-key.js';
import type { HandleBacking } from './handle-backing.js';

/** What was done to a virtual service or a real server. */
export type Change = 'added' | 'edited' | 'deleted';

/** One operation and what it does to the objects here. */
export interface ConfigurationStep {
  operation: NativeOperation;
  redo?: () => void;
  undo?: () => void;
  /** The host directs the same addresses to the device afterwards, so nobody has to go through all services. */
  keepsRoutes?: boolean;
}

/** A real server as its virtual service keeps it. */
export interface OwnedServer {
  readonly address: string;
  readonly port: number;
  readonly nativeConfig: NativeServerConfig;
}

export interface ServiceOwner {
  readonly backing: HandleBacking;
  readonly policies: { readonly backing: PolicyBacking };
  isConfigured(service: ServiceIdentity): boolean;
  deleteVirtualService(service: ServiceIdentity): void;
  /** Puts one step into force, or adds it to the open transaction; listeners do not hear of it. */
  change(step: ConfigurationStep): void;
  /** Does the same, and listeners hear of it. */
  changeService(change: Change, service: ServiceIdentity, step: ConfigurationStep): void;
  changeServer(change: Change, service: ServiceIdentity, server: OwnedServer, step: ConfigurationStep): void;
  /** A transaction is open: a change made now comes into force later, or not at all. */
  readonly isInTransaction: boolean;
  transaction<T>(body: () => T): T;
  /** Brings policies into force that want to be told anew; `false` within a transaction, where nothing is done. */
  refreshPolicies(): boolean;
  /** The quorum of a service has changed. */
  followQuorum(): void;
}

export interface ServerOwner extends ServiceIdentity {
  readonly configuration: ServiceOwner;
  readonly nativeKey: NativeServiceKey;
  readonly surroundings: ServerSurroundings;
  isConfigured(server: OwnedServer): boolean;
  forget(server: OwnedServer): void;
  remember(server: OwnedServer): void;
}
