/** The public surface and nothing else. */
export type { Transaction } from './configuration.js';
export type { Connection, ConnectionFilter, ConnectionsOptions } from './connections.js';
export { Director, OfflineDirector, type WorkerCpu } from './director.js';
export type { DirectorDevice, MarkDevice } from './director-device.js';
export {
  type DeviceOptions,
  type DirectorOpenOptions,
  type EngineOptions,
  type HostOptions,
  type MarkDeviceOptions,
  type NoServerReply,
  noServerReplies,
  type OfflineOptions,
  type PingReply,
  pingReplies,
} from './director-options.js';
export type { DrainOptions, DrainResult } from './drain.js';
export { type Egress, egresses } from './egress.js';
export { errorMeanings, TunvsError, type TunvsErrorCode } from './errors.js';
export type {
  Change,
  DirectorEvents,
  DirectorWarning,
  EngineEvent,
  RealServerEvent,
  VirtualServiceEvent,
} from './events.js';
export type { Explanation } from './explain.js';
export type { ExplainedFlow } from './flow-packet.js';
export {
  type ForwardingMethod,
  forwardingMethods,
  type RealServerMethod,
  realServerMethods,
  type TunnelChecksum,
  tunnelChecksums,
} from './forwarding-method.js';
export type { MarkRule } from './marks.js';
export type { ProcessedPacket, ProcessResult } from './offline-director.js';
export {
  type Persistence,
  type PersistenceEngine,
  type PersistenceStats,
  persistenceEngines,
} from './persistence.js';
export type { ConnectionBatch, NewConnection } from './policy/connection-batch.js';
export {
  type ConnectionPolicy,
  type ConnectionPolicyOptions,
  connectionPolicy,
  type Decide,
  type DecideBatch,
} from './policy/connection-policy.js';
export type { Policy, PolicyCounters, PolicyKind, ServicePolicy } from './policy/policy.js';
export {
  type BuildTable,
  type TableContext,
  type TableHash,
  type TablePolicy,
  type TablePolicyOptions,
  tableHashes,
  tablePolicy,
} from './policy/table-policy.js';
export {
  type MeasuredServer,
  type Weigh,
  type Weights,
  type WeightsContext,
  type WeightsPolicy,
  type WeightsPolicyOptions,
  weightsPolicy,
} from './policy/weights-policy.js';
export { type AnyProtocol, type Protocol, protocols } from './protocol.js';
export type { DirectorSample, Rated, RatedRealServer, Rates, RatedVirtualService } from './rates.js';
export type { RealServer } from './real-server.js';
export type { HostCounts } from './host/host-keeper.js';
export type { HostEvent, HostEventType } from './host/host-event.js';
export {
  RealServerHost,
  type RealServerHostEvents,
  type RealServerHostOptions,
  type RealServerHostStats,
} from './real-server-host.js';
export { type Scheduler, type SchedulerFlag, schedulerFlagsOf, schedulers } from './scheduler.js';
export type { SchedulerChoice, SchedulerOptions } from './scheduler-options.js';
export { type MidStream, midStreamChoices, type ServiceBehaviour, type SlowStart } from './service-behaviour.js';
export type { AddressServiceKey, MarkServiceKey, ServiceIdentity, VirtualServiceKey } from './service-key.js';
export type {
  RealServerEdit,
  RealServerKey,
  RealServerOptions,
  VirtualServiceEdit,
  VirtualServiceOptions,
} from './service-options.js';
export type { ConnectionTableStats, DirectorStats, RealServerStats, Traffic, VirtualServiceStats } from './stats.js';
export { type StateTimeouts, type Timeouts, type TimeoutState, timeoutStates } from './timeouts.js';
export type { VirtualService } from './virtual-service.js';
export type { WatchOptions } from './watch.js';
