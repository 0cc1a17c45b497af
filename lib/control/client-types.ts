/** What a client of the control API can ask. The bodies are typed by the schemas that the API checks them with. */
import type { z } from 'zod';
import type { Status } from '../daemon/status.js';
import type { Connection, ConnectionFilter } from '../stats/connections.js';
import type { AdmPiece } from '../rules/adm/piece.js';
import type { ReloadReport } from './context.js';
import type * as connectionSchemas from './schema/connection.js';
import type * as directorSchemas from './schema/director.js';
import type * as healthSchemas from './schema/health.js';
import type * as serverSchemas from './schema/server.js';
import type * as serviceSchemas from './schema/service.js';
import type * as syncSchemas from './schema/sync.js';
import type * as transactionSchemas from './schema/transaction.js';

/**
 * Where {@link createClient} finds the control server: at a unix socket, or at a URL.
 *
 * @example
 * ```ts
 * import type { ClientOptions } from 'tunvs/control';
 *
 * const here: ClientOptions = { socket: '/run/tunvs/tunvs.sock' };
 * const there: ClientOptions = { url: 'http://127.0.0.1:9480', token: 'a secret' };
 * console.log([here, there].length); // 2
 * ```
 */
export type ClientOptions = (
  | {
      /** The path of the unix socket, such as `/run/tunvs/tunvs.sock`. */
      socket: string;
      /** It is left out: a client has one place. */
      url?: undefined;
    }
  | {
      /** Where the API listens on TCP, such as `http://127.0.0.1:9480`. */
      url: string;
      /** It is left out: a client has one place. */
      socket?: undefined;
    }
) & {
  /** The token for reading or for writing. */
  token?: string;
};

/**
 * What each call takes.
 *
 * @example
 * ```ts
 * import type { CallOptions } from 'tunvs/control';
 *
 * const options: CallOptions = { signal: AbortSignal.timeout(1000) };
 * console.log(options.signal?.aborted); // false
 * ```
 */
export interface CallOptions {
  /** Gives the call up. */
  signal?: AbortSignal;
}

/**
 * What each call takes that changes something.
 *
 * @example
 * ```ts
 * import type { ChangeOptions, ControlClient } from 'tunvs/control';
 *
 * async function doubleWeight({ servers }: ControlClient, service: string, address: string): Promise<void> {
 *   const { weight, etag } = await servers.get(service, address);
 *   const options: ChangeOptions = etag === undefined ? {} : { ifMatch: etag };
 *   await servers.edit(service, address, { weight: 2 * weight }, options);
 * }
 *
 * console.log(doubleWeight.length); // 3
 * ```
 */
export interface ChangeOptions extends CallOptions {
  /**
   * The `etag` of what was read. If somebody else has changed it since, the call fails with ERR_TUNVS_CHANGED. Without
   * it, the change is made whatever is there.
   */
  ifMatch?: string;
}

/** What was read, with its version. */
export type Versioned<T> = T & {
  /** The version, for `ifMatch`; undefined where nothing has versions. */
  readonly etag: string | undefined;
};

/** An event of `GET /v1/events`. */
export interface ControlEvent {
  /** Its number, for `lastEventId`. */
  id: string;
  /** Its type, such as `realServer`. */
  event: string;
  /** What it says; `docs/control.md` lists the fields of each type. */
  data: Record<string, unknown>;
}

type Answer<T> = Promise<Versioned<T>>;

interface DirectorBody extends z.output<typeof directorSchemas.director> {}
interface FingerprintBody extends z.output<typeof directorSchemas.fingerprint> {}
interface StatsBody extends z.output<typeof directorSchemas.stats> {}
interface CountersBody extends z.output<typeof directorSchemas.countersOnly> {}
interface Marks extends z.output<typeof directorSchemas.marks> {}
interface NewMarks extends z.input<typeof directorSchemas.marks> {}
interface TimeoutsBody extends z.output<typeof directorSchemas.timeouts> {}
interface TimeoutsEdit extends z.input<typeof directorSchemas.timeoutsEdit> {}
interface Sysctls extends z.output<typeof directorSchemas.sysctls> {}
interface SysctlsEdit extends z.input<typeof directorSchemas.sysctls> {}
interface RoleBody extends z.output<typeof directorSchemas.roleAnswer> {}
interface SyncBody extends z.output<typeof syncSchemas.sync> {}
interface NewSync extends z.input<typeof syncSchemas.syncNew> {}
interface Drain extends z.output<typeof directorSchemas.drain> {}
interface Drains {
  drains: Drain[];
}
interface Service extends z.output<typeof serviceSchemas.service> {}
interface Services extends z.output<typeof serviceSchemas.services> {}
interface ServiceStats extends z.output<typeof serviceSchemas.serviceStats> {}
interface NewService extends z.input<typeof serviceSchemas.serviceNew> {}
interface WholeService extends z.input<typeof serviceSchemas.serviceWhole> {}
interface ServiceEdit extends z.input<typeof serviceSchemas.serviceEdit> {}
interface Server extends z.output<typeof serverSchemas.server> {}
interface Servers {
  servers: Server[];
}
interface ServerStats extends z.output<typeof serverSchemas.serverStats> {}
interface NewServer extends z.input<typeof serverSchemas.serverNew> {}
interface WholeServer extends z.input<typeof serverSchemas.serverWhole> {}
interface ServerEdit extends z.input<typeof serverSchemas.serverEdit> {}
interface TransactionBody extends z.input<typeof transactionSchemas.transaction> {}
interface TransactionResult extends z.output<typeof transactionSchemas.transactionResult> {}
interface Flow extends z.input<typeof connectionSchemas.flow> {}
interface HealthBody extends z.output<typeof healthSchemas.healthOverview> {}
interface ServiceHealth extends z.output<typeof healthSchemas.serviceHealth> {}
interface ServerHealth extends z.output<typeof healthSchemas.serverHealth> {}
interface FlowExplanation extends z.output<typeof connectionSchemas.explanation> {}

/** The calls for virtual services. A service is named as in `tcp:192.0.2.1:80` and `mark:1`. */
export interface ServiceCalls {
  /** Lists them with their real servers. */
  list(options?: CallOptions): Answer<Services>;
  /** Reads one with its real servers. */
  get(service: string, options?: CallOptions): Answer<Service>;
  /** Reads the counters of one. */
  stats(service: string, options?: CallOptions): Answer<ServiceStats>;
  /** Reads what checks have found of its servers. */
  health(service: string, options?: CallOptions): Answer<ServiceHealth>;
  /** Adds one, with real servers if there are any in it. */
  add(body: NewService, options?: ChangeOptions): Answer<Service>;
  /** Makes one as the body says, and adds it where it is not there. */
  put(service: string, body: WholeService, options?: ChangeOptions): Answer<Service>;
  /** Changes the settings that the body has. */
  edit(service: string, body: ServiceEdit, options?: ChangeOptions): Answer<Service>;
  /** Deletes one with its real servers. */
  delete(service: string, options?: ChangeOptions): Answer<object>;
  /** Deletes all of them. */
  clear(options?: ChangeOptions): Answer<object>;
}

/** The calls for the real servers of a service. A real server is named as in `10.2.0.11:80` and `10.2.0.11`. */
export interface ServerCalls {
  /** Lists those of a service. */
  list(service: string, options?: CallOptions): Answer<Servers>;
  /** Reads one. */
  get(service: string, server: string, options?: CallOptions): Answer<Server>;
  /** Reads the counters of one. */
  stats(service: string, server: string, options?: CallOptions): Answer<ServerStats>;
  /** Reads what checks have found of one, with their last results. */
  health(service: string, server: string, options?: CallOptions): Answer<ServerHealth>;
  /** Checks one now; the answer is what was found before. */
  check(service: string, server: string, options?: CallOptions): Answer<ServerHealth>;
  /** Adds one. */
  add(service: string, body: NewServer, options?: ChangeOptions): Answer<Server>;
  /** Makes one as the body says, and adds it where it is not there. */
  put(service: string, server: string, body: WholeServer, options?: ChangeOptions): Answer<Server>;
  /** Changes the settings that the body has. */
  edit(service: string, server: string, body: ServerEdit, options?: ChangeOptions): Answer<Server>;
  /** Deletes one. */
  delete(service: string, server: string, options?: ChangeOptions): Answer<object>;
}

/** The calls for drains. */
export interface DrainCalls {
  /** Lists those that go on. */
  list(options?: CallOptions): Answer<Drains>;
  /** Begins one; after `seconds` what is left of the connections is ended. */
  begin(service: string, server: string, body?: { seconds?: number }, options?: ChangeOptions): Answer<Drain>;
  /** Reads one. */
  get(service: string, server: string, options?: CallOptions): Answer<Drain>;
  /** Ends one: the real server takes new connections again. */
  abandon(service: string, server: string, options?: CallOptions): Answer<object>;
}

/** What {@link createClient} returns: a method for each route. `docs/control.md` lists the fields of each body. */
export interface ControlClient {
  /** The calls for virtual services. */
  readonly services: ServiceCalls;
  /** The calls for real servers. */
  readonly servers: ServerCalls;
  /** The calls for drains. */
  readonly drains: DrainCalls;
  /** Reads the director's name, addresses and devices. */
  director(options?: CallOptions): Answer<DirectorBody>;
  /** Reads what `tunvs status` shows. */
  status(options?: CallOptions): Answer<Status>;
  /** Reads the fingerprint of all that decides where packets go. */
  fingerprint(options?: CallOptions): Answer<FingerprintBody>;
  /** Reads what checks have found of the servers of all services. */
  health(options?: CallOptions): Answer<HealthBody>;
  /** Reads all counters, with those of services and real servers. */
  stats(options?: CallOptions): Answer<StatsBody>;
  /** Reads the director's own counters. */
  counters(options?: CallOptions): Answer<CountersBody>;
  /** Reads the configuration that is in force, with the origin of each value. */
  config(options?: CallOptions): Answer<object>;
  /** Makes several changes: all of them or none. */
  transaction(body: TransactionBody, options?: ChangeOptions): Answer<TransactionResult>;
  /** Says which real server a packet would get, and by which rule. */
  explain(body: Flow, options?: CallOptions): Answer<FlowExplanation>;
  /** Reads the rules of firewall marks. */
  marks(options?: CallOptions): Answer<Marks>;
  /** Sets the rules of firewall marks. */
  setMarks(body: NewMarks, options?: ChangeOptions): Answer<Marks>;
  /** Reads the timeouts, in seconds. */
  timeouts(options?: CallOptions): Answer<TimeoutsBody>;
  /** Sets the timeouts that the body has, in seconds. */
  setTimeouts(body: TimeoutsEdit, options?: ChangeOptions): Answer<TimeoutsBody>;
  /** Reads the sysctls of IPVS. */
  sysctls(options?: CallOptions): Answer<Sysctls>;
  /** Sets the sysctls that the body has. */
  setSysctls(body: SysctlsEdit, options?: ChangeOptions): Answer<Sysctls>;
  /** Reads the director's role. */
  role(options?: CallOptions): Answer<RoleBody>;
  /** Makes the director active, or a standby. */
  setRole(role: RoleBody['role'], options?: CallOptions): Answer<RoleBody>;
  /** Reads which roles of connection sync run, and what they have counted. */
  sync(options?: CallOptions): Answer<SyncBody>;
  /** Begins a role of connection sync. */
  startSync(role: 'master' | 'backup', body: NewSync, options?: CallOptions): Answer<SyncBody>;
  /** Ends a role of connection sync. */
  stopSync(role: 'master' | 'backup', options?: CallOptions): Answer<object>;
  /** Sets the counters of a service to 0, or those of all. */
  zero(service?: string, options?: CallOptions): Answer<object>;
  /** Reads the configuration again, as `tunvs reload` does. */
  reload(body?: { dryRun?: boolean; reset?: boolean }, options?: CallOptions): Answer<ReloadReport>;
  /** Goes through the connection table. */
  connections(filter?: ConnectionFilter, options?: CallOptions): AsyncGenerator<Connection>;
  /** Follows what happens, after the event of `lastEventId` or from now on, until the director is closed. */
  events(options?: CallOptions & { lastEventId?: string }): AsyncGenerator<ControlEvent>;
  /** Yields what a call of ipvsadm prints, and its exit status last. */
  ipvsadm(argv: readonly string[], options?: CallOptions & { stdin?: string }): AsyncGenerator<AdmPiece>;
}
