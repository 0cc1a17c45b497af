/**
 * The package exports these classes, functions, types and constants, and nothing else. Each has a page of its own;
 * `docs/api.md` tells how they work together.
 *
 * @module
 */
export type { Transaction } from './director/configuration.js';
export { type CounterMeaning, counterMeanings } from './stats/counter-meanings.js';
export type { CounterName, RealServerCounterName } from './stats/counter-names.js';
export type { Connection, ConnectionFilter, ConnectionsOptions } from './stats/connections.js';
export { type ConnectionState, connectionStates } from './values/connection-state.js';
export { Director, OfflineDirector } from './director/director.js';
export type { TablePages } from './stats/table-pages.js';
export type { WorkerCpu } from './stats/worker-cpu.js';
export type { DirectorDevice, MarkDevice } from './director/director-device.js';
export {
  type DeviceOptions,
  type DirectorOpenOptions,
  type EngineOptions,
  type HostOptions,
  type MarkDeviceOptions,
  type NeighbourNewsOptions,
  type NoServerReply,
  type UnmatchedReplies,
  noServerReplies,
  unmatchedReplies,
  type OfflineOptions,
  type PingReply,
  pingReplies,
} from './director/open-options.js';
export type { DrainOptions, DrainResult } from './director/drain.js';
export { type Egress, egresses } from './values/egress.js';
export type { DirectorState } from './director/state-folder.js';
export {
  type HeardPeer,
  type SyncBackupState,
  type SyncMasterState,
  type SyncOptions,
  type SyncOutcome,
  type SyncPeerState,
  type SyncRefusal,
  type SyncRole,
  type SyncRoleState,
  type SyncState,
  syncRoles,
  type ToldPeer,
} from './director/sync.js';
export { type SyncAs, syncAs, syncByRole, type SyncByRoleOptions } from './director/sync-by-role.js';
export { type FastPathChoice, fastPaths } from './values/fast-path.js';
export { type Offload, type OffloadChoice, offloads } from './values/offload.js';
export { type EngineEvent, type EngineEventType, engineEventTypes } from './values/engine-event.js';
export { errorMeanings, TunvsError, type TunvsErrorCode } from './values/errors.js';
export type { Change } from './director/owners.js';
export type { HostCommand, HostStep } from './host/step.js';
export { type HealthCondition, type OnDown, onDownKinds } from './values/health-condition.js';
export type { AddressFamily } from './values/inet.js';
export type {
  DirectorEvents,
  HandedOverEvent,
  DirectorWarning,
  RealServerEvent,
  RoleEvent,
  VirtualServiceEvent,
} from './director/events.js';
export type { Explanation, PacketEnd, PacketEnds } from './director/explain.js';
export type { ExplainedFlow } from './values/flow-packet.js';
export {
  type ForwardingMethod,
  forwardingMethods,
  type RealServerMethod,
  realServerMethods,
  type TunnelChecksum,
  tunnelChecksums,
  clientToldWays,
  type ClientTold,
} from './values/forwarding-method.js';
export type { MarkRule } from './values/marks.js';
export type { ProcessedPacket, ProcessResult } from './director/offline-director.js';
export {
  type Persistence,
  type PersistenceEngine,
  type PersistenceStats,
  persistenceEngines,
} from './values/persistence.js';
export type { ConnectionBatch, NewConnection } from './policy/connection-batch.js';
export {
  type ConnectionPolicy,
  type ConnectionPolicyOptions,
  connectionPolicy,
  type Decide,
  type DecideBatch,
} from './policy/connection-policy.js';
export type { Policy, PolicyCounters, PolicyKind, ServicePolicy } from './policy/policy.js';
export type { PolicyServer, PolicyService } from './policy/subject.js';
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
export { type AnyProtocol, type Protocol, protocols } from './values/protocol.js';
export { type Role, roles } from './values/role.js';
export type { DirectorSample, Rated, RatedRealServer, Rates, RatedVirtualService } from './stats/rates.js';
export type { HostCounts } from './stats/host-counts.js';
export type { HostEvent, HostEventType } from './host/host-event.js';
export { applyRules, type ApplyRulesOptions, printRules } from './rules/text.js';
export { realServerCounterMeanings } from './realserver/counter-meanings.js';
export { RealServerHost, type RealServerHostEvents, type RealServerHostStats } from './realserver/real-server-host.js';
export type { RealServerHostOptions } from './realserver/real-server-options.js';
export { type Scheduler, type SchedulerFlag, schedulerFlagsOf, schedulers } from './values/scheduler.js';
export type { SchedulerChoice, SchedulerOptions } from './values/scheduler-options.js';
export {
  type Announce,
  announceChoices,
  type MidStream,
  midStreamChoices,
  type ServiceBehaviour,
  type SlowStart,
} from './values/service-behaviour.js';
export type { AddressServiceKey, MarkServiceKey, ServiceIdentity, VirtualServiceKey } from './values/service-key.js';
export type { RealServerEdit, RealServerKey, RealServerOptions } from './values/server-options.js';
export type { VirtualServiceEdit, VirtualServiceOptions } from './director/service-options.js';
export type {
  ConnectionTableStats,
  DirectorStats,
  RealServerStats,
  Traffic,
  VirtualServiceStats,
} from './stats/stats.js';
export { type StateTimeouts, type Timeouts, type TimeoutState, timeoutStates } from './values/timeouts.js';
export type { RealServer, VirtualService } from './director/virtual-service.js';
export type { WatchOptions } from './stats/watch.js';
export type { FullNatOptions } from './director/full-nat-options.js';
