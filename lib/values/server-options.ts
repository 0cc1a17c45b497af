/** Checks what callers say about real servers. */
import type { NativeServerConfig } from '../native/services.js';
import {
  DEFAULT_FORWARDING_METHOD,
  DEFAULT_TUNNEL_CHECKSUM,
  type ForwardingMethod,
  forwardingMethods,
  type TunnelChecksum,
  traitsOf,
  type ClientTold,
  clientToldWays,
  tunnelChecksums,
} from './forwarding-method.js';
import { type AddressFamily, addressFamily, formatEndpoint, isLinkLocal6 } from './inet.js';
import {
  addressOption,
  booleanOption,
  checkedOptions,
  choiceOption,
  integerOption,
  MAX_INT32,
  readArguments,
  refuse,
} from './options.js';
import { prefixFamily } from './prefix.js';
import { SORRY_AT_REST } from './health-condition.js';
import { GOOD_CONDITION, type ServerCondition } from './server-condition.js';
import { type ServiceIdentity, serverPortOf } from './service-key.js';

/** What names a real server within its virtual service. */
export interface RealServerKey {
  /** The real server's own address (RIP). */
  address: string;
  /** The real server's port, [0, 65535]. The default is the service's one port, or 0, which keeps the packet's port. */
  port?: number;
}

/** The options of {@link RealServer.edit}. Options that are left out keep their values. */
export interface RealServerEdit {
  /** Sets the server's share of new connections, [0, 2^31 - 1]. With 0 it gets none. A new server has 1. */
  weight?: number;
  /**
   * Says by hand whether the server is healthy; see {@link RealServer.isUp}. A server that is down keeps its weight and
   * gets no new connections.
   */
  isUp?: boolean;
  /**
   * Says how packets get to the server; a new server has 'ipip'. A server at an address of the director's host is
   * always 'local'.
   */
  forwarding?: ForwardingMethod;
  /** Sets the UDP port that the server takes GUE on, [1, 65535]. 'gue' needs it, and no other method takes it. */
  tunnelPort?: number;
  /** Says what a checksum guards; a new server has 'none'. It changes the packets of existing connections as well. */
  tunnelChecksum?: TunnelChecksum;
  /** Says how the server is told the client's address, with 'snat'. The default is 'none'. */
  clientAddress?: ClientTold;
  /**
   * Sets the number of connections at which the server gets no new ones, [0, 2^31 - 1]. 0, as at first, is no limit.
   */
  upperThreshold?: number;
  /**
   * Sets the number of connections below which the server gets new ones again, [0, upperThreshold]. 0, as at first,
   * stands for three quarters of the upper threshold.
   */
  lowerThreshold?: number;
}

/**
 * The options of {@link VirtualService.addRealServer}. Only `address` is required.
 *
 * @example
 * ```ts
 * import { Director, type RealServerOptions } from 'tunvs';
 *
 * const director = Director.offline({ source: '10.2.0.2' });
 * const service = director.addVirtualService({ protocol: 'tcp', address: '192.0.2.1', port: 80 });
 * const options: RealServerOptions = { address: '10.3.0.11', weight: 2, forwarding: 'gue', tunnelPort: 6080 };
 * const server = service.addRealServer(options);
 * console.log(server.port, server.tunnelPort); // 80 6080
 * ```
 */
export interface RealServerOptions extends RealServerKey, RealServerEdit {
  /**
   * Says that the server is a sorry server, which stands in when the others are down: it is out of the list until health
   * puts it in force. The default is false.
   */
  isSorry?: boolean;
}

/** Writes `192.0.2.1:80`. REQUIRES: a canonical address. */
export function serverName(key: Required<RealServerKey>): string {
  return formatEndpoint(key);
}

/** In a service by mark, a real server's port is part of its name and nothing more. */
export function checkedServerKey(call: string, key: RealServerKey, servicePort: number): Required<RealServerKey> {
  if (typeof key !== 'object' || key === null) refuse(`${call}: key`, key, '{ address, port }');
  return readArguments(call, () => ({
    address: addressOption(`${call}: address`, key.address),
    port: integerOption(`${call}: port`, key.port, 0, 65535, servicePort),
  }));
}

const EDITABLE = [
  'weight',
  'isUp',
  'forwarding',
  'tunnelPort',
  'tunnelChecksum',
  'clientAddress',
  'upperThreshold',
  'lowerThreshold',
] as const;

const DEFAULTS: NativeServerConfig = {
  forwarding: DEFAULT_FORWARDING_METHOD,
  tunnelPort: 0,
  tunnelChecksum: DEFAULT_TUNNEL_CHECKSUM,
  clientAddress: 'none',
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
};

/** What a real server's options must fit. */
export interface ServerSurroundings {
  service: ServiceIdentity;
  /** The families of the director's own addresses. */
  sourceFamilies: readonly AddressFamily[];
  /** Whether a canonical address is the director host's own. */
  isLocal(address: string): boolean;
}

export function checkedServerOptions(
  call: string,
  options: RealServerOptions,
  surroundings: ServerSurroundings,
): { key: Required<RealServerKey>; state: ServerState } {
  const { service } = surroundings;
  const given = checkedOptions(call, options, ['address', 'port', 'isSorry', ...EDITABLE]);
  const key = checkedServerKey(call, given, serverPortOf(service));
  if (isLinkLocal6(key.address)) {
    refuse(`${call}: address`, key.address, 'an address that is not link-local, which would need an interface');
  }
  const isSorry = booleanOption(`${call}: isSorry`, given.isSorry, false);
  const condition = isSorry ? { ...GOOD_CONDITION, health: SORRY_AT_REST } : GOOD_CONDITION;
  const before = { config: { ...DEFAULTS, ...(isSorry && { isSorry }) }, asked: DEFAULTS, condition };
  const state = mergedState(call, given, before, surroundings.isLocal(key.address));
  const { config } = state;
  checkFamilies(call, config, key.address, surroundings);
  if (!fitsPort(config, key.port, service)) {
    const port = serverPortOf(service);
    refuse(
      `${call}: port`,
      key.port,
      `${port}, ${port === 0 ? "the packet's" : "the virtual service's"} port, because '${config.forwarding}' leaves ports as they are`,
      "or choose the forwarding 'nat' or 'snat', which change ports",
    );
  }
  return { key, state };
}

/** `key` is the real server's. */
export function checkedServerEdit(
  call: string,
  edit: RealServerEdit,
  before: ServerState,
  { address, port }: Required<RealServerKey>,
  surroundings: ServerSurroundings,
): ServerState {
  const given = checkedOptions(call, edit, EDITABLE);
  const state = mergedState(call, given, before, surroundings.isLocal(address));
  checkFamilies(call, state.config, address, surroundings);
  if (!fitsPort(state.config, port, surroundings.service)) {
    refuse(
      `${call}: forwarding`,
      state.config.forwarding,
      `a method that changes ports, because the server has port ${port}`,
      `add the server anew with port ${serverPortOf(surroundings.service)}`,
    );
  }
  return state;
}

/** Whether packets get to a server at the port that it is named by. */
function fitsPort({ forwarding }: ServerForwarding, port: number, service: ServiceIdentity): boolean {
  if (!traitsOf(forwarding as ForwardingMethod).keepsPorts || service.mark !== undefined) return true;
  return port === serverPortOf(service);
}

function mergedState(call: string, edit: RealServerEdit, stateBefore: ServerState, isLocal: boolean): ServerState {
  const { config: before, asked: askedBefore, condition } = stateBefore;
  const asked = mergedForwarding(call, edit, askedBefore);
  const config = {
    ...(isLocal && staysLocal(asked) ? LOCAL : asked),
    ...(before.isSorry && { isSorry: true }),
    weight: integerOption(`${call}: weight`, edit.weight, 0, MAX_INT32, before.weight),
    upperThreshold: integerOption(`${call}: upperThreshold`, edit.upperThreshold, 0, MAX_INT32, before.upperThreshold),
    lowerThreshold: integerOption(`${call}: lowerThreshold`, edit.lowerThreshold, 0, MAX_INT32, before.lowerThreshold),
  };
  if (config.lowerThreshold > config.upperThreshold) {
    refuse(`${call}: lowerThreshold`, config.lowerThreshold, `at most the upperThreshold, ${config.upperThreshold}`);
  }
  const isUp = booleanOption(`${call}: isUp`, edit.isUp, condition.isUp);
  return { ...stateBefore, config, asked, condition: { ...condition, isUp } };
}

/**
 * How a caller wants packets to get to a real server; while the address is the host's own, packets stay on the host.
 */
export type ServerForwarding = Pick<
  NativeServerConfig,
  'forwarding' | 'tunnelPort' | 'tunnelChecksum' | 'clientAddress'
>;

/** Everything that is configured for a real server. */
export interface ServerState {
  readonly config: NativeServerConfig;
  /** The forwarding that was asked for; it differs from `config` while the server is local. */
  readonly asked: ServerForwarding;
  readonly condition: ServerCondition;
}

const LOCAL: ServerForwarding = {
  ...{ forwarding: 'local', tunnelPort: 0, tunnelChecksum: DEFAULT_TUNNEL_CHECKSUM, clientAddress: 'none' },
};

/**
 * Tells whether packets to an address of the host's own stay on the host. With other addresses in them, they get there by
 * the host's routes.
 */
export const staysLocal = ({ forwarding }: ServerForwarding): boolean =>
  traitsOf(forwarding as ForwardingMethod).keepsPorts;

/** Another method begins with its own defaults. */
function mergedForwarding(call: string, edit: RealServerEdit, before: ServerForwarding): ServerForwarding {
  const forwarding = choiceOption(
    `${call}: forwarding`,
    edit.forwarding,
    forwardingMethods,
    before.forwarding as ForwardingMethod,
  );
  const { tunnelPort, tunnelChecksum, clientAddress } = forwarding === before.forwarding ? before : DEFAULTS;
  return {
    forwarding,
    tunnelPort: checkedTunnelPort(`${call}: tunnelPort`, edit.tunnelPort, forwarding, tunnelPort),
    tunnelChecksum: checkedTunnelChecksum(`${call}: tunnelChecksum`, edit.tunnelChecksum, forwarding, tunnelChecksum),
    clientAddress: checkedClientTold(`${call}: clientAddress`, edit.clientAddress, forwarding, clientAddress),
  };
}

function checkedClientTold(name: string, value: unknown, forwarding: ForwardingMethod, before: string): string {
  const told = choiceOption(name, value, clientToldWays, before as ClientTold);
  if (told === 'none' || traitsOf(forwarding).takesSource) return told;
  return refuse(name, value, `'none', because '${forwarding}' leaves the client's address in packets`, "choose 'snat'");
}

function checkedTunnelPort(name: string, value: unknown, forwarding: ForwardingMethod, before: number): number {
  if (traitsOf(forwarding).hasPort) return integerOption(name, value, 1, 65535, before || undefined);
  return value === undefined ? 0 : refuse(name, value, `nothing, because '${forwarding}' has no port`, 'leave it out');
}

function checkedTunnelChecksum(name: string, value: unknown, forwarding: ForwardingMethod, before: string): string {
  const checksum = choiceOption(name, value, tunnelChecksums, before as TunnelChecksum);
  const known = traitsOf(forwarding).checksums;
  if (known.includes(checksum)) return checksum;
  return refuse(name, value, `${known.map((each) => `'${each}'`).join(' or ')} with '${forwarding}'`);
}

function checkFamilies(
  call: string,
  config: NativeServerConfig,
  address: string,
  { service, sourceFamilies }: ServerSurroundings,
): void {
  if (config.forwarding === 'local') return;
  const family = addressFamily(address) as AddressFamily;
  const { isTunnel, needsSource } = traitsOf(config.forwarding as ForwardingMethod);
  if (!isTunnel && family !== prefixFamily(service.address)) {
    refuse(
      `${call}: address`,
      address,
      `an address of the virtual service's family, because '${config.forwarding}' is not a tunnel that could carry the other`,
    );
  }
  if (needsSource && !sourceFamilies.includes(family)) {
    refuse(
      `${call}: address`,
      address,
      'an address of the family of a source',
      `open the director with an IPv${family} source too`,
    );
  }
}
