/** What callers say about virtual services and real servers, and how it is checked. */
import { DEFAULT_FORWARDING_METHOD, type ForwardingMethod, forwardingMethods } from './forwarding-method.js';
import { formatEndpoint } from './inet.js';
import type { NativeServerConfig } from './native.js';
import { addressOption, checkedOptions, choiceOption, integerOption, MAX_INT32, refuse } from './options.js';
import { type Protocol, protocols } from './protocol.js';
import type { Scheduler } from './scheduler.js';

/** What names a virtual service. */
export interface VirtualServiceKey {
  protocol: Protocol;
  /** The virtual address (VIP). */
  address: string;
  /** [1, 65535] */
  port: number;
}

export interface VirtualServiceOptions extends VirtualServiceKey {
  /** Default 'wlc'. */
  scheduler?: Scheduler;
}

export interface VirtualServiceEdit {
  scheduler?: Scheduler;
}

/** What names a real server within its virtual service. */
export interface RealServerKey {
  /** The real server's own address (RIP). */
  address: string;
  /** [1, 65535]; default: the virtual service's. */
  port?: number;
}

export interface RealServerEdit {
  /** Its share of new connections, [0, 2^31 - 1]; 0 gets none. */
  weight?: number;
  /** Holds for connections made from then on. */
  forwarding?: ForwardingMethod;
  /** Connections (active + inactive) at which it gets no new ones, [0, 2^31 - 1]; 0: no limit. */
  upperThreshold?: number;
  /** Connections below which it gets new ones again, [0, upperThreshold]; 0: three quarters of the upper threshold. */
  lowerThreshold?: number;
}

/** Defaults: the virtual service's port, weight 1, forwarding 'ipip', thresholds 0. */
export interface RealServerOptions extends RealServerKey, RealServerEdit {}

/** `tcp 192.0.2.1:80`. REQUIRES: a canonical address. */
export function serviceName({ protocol, address, port }: VirtualServiceKey): string {
  return `${protocol} ${formatEndpoint({ address, port })}`;
}

/** `192.0.2.1:80`. REQUIRES: a canonical address. */
export function serverName(key: Required<RealServerKey>): string {
  return formatEndpoint(key);
}

/** `call` is what the caller called, for the error. */
export function checkedServiceKey(call: string, key: VirtualServiceKey): VirtualServiceKey {
  if (typeof key !== 'object' || key === null) refuse(`${call}: key`, key, '{ protocol, address, port }');
  return {
    protocol: choiceOption(`${call}: protocol`, key.protocol, protocols),
    address: addressOption(`${call}: address`, key.address),
    port: integerOption(`${call}: port`, key.port, 1, 65535),
  };
}

export function checkedServerKey(call: string, key: RealServerKey, servicePort: number): Required<RealServerKey> {
  if (typeof key !== 'object' || key === null) refuse(`${call}: key`, key, '{ address, port }');
  return {
    address: addressOption(`${call}: address`, key.address),
    port: integerOption(`${call}: port`, key.port, 1, 65535, servicePort),
  };
}

const EDITABLE = ['weight', 'forwarding', 'upperThreshold', 'lowerThreshold'] as const;

const DEFAULTS: NativeServerConfig = {
  forwarding: DEFAULT_FORWARDING_METHOD,
  weight: 1,
  upperThreshold: 0,
  lowerThreshold: 0,
};

export function checkedServerOptions(
  call: string,
  options: RealServerOptions,
  servicePort: number,
): { key: Required<RealServerKey>; config: NativeServerConfig } {
  checkedOptions(call, options, ['address', 'port', ...EDITABLE]);
  const key = checkedServerKey(call, options, servicePort);
  const config = mergedServerConfig(call, options, DEFAULTS);
  if (key.port !== servicePort) {
    refuse(
      `${call}: port`,
      key.port,
      `${servicePort}, the virtual service's port, because '${config.forwarding}' leaves ports as they are`,
    );
  }
  return { key, config };
}

export function checkedServerEdit(call: string, edit: RealServerEdit, before: NativeServerConfig): NativeServerConfig {
  checkedOptions(call, edit, EDITABLE);
  return mergedServerConfig(call, edit, before);
}

function mergedServerConfig(call: string, edit: RealServerEdit, before: NativeServerConfig): NativeServerConfig {
  const config = {
    forwarding: choiceOption<string>(`${call}: forwarding`, edit.forwarding, forwardingMethods, before.forwarding),
    weight: integerOption(`${call}: weight`, edit.weight, 0, MAX_INT32, before.weight),
    upperThreshold: integerOption(`${call}: upperThreshold`, edit.upperThreshold, 0, MAX_INT32, before.upperThreshold),
    lowerThreshold: integerOption(`${call}: lowerThreshold`, edit.lowerThreshold, 0, MAX_INT32, before.lowerThreshold),
  };
  if (config.lowerThreshold > config.upperThreshold) {
    refuse(`${call}: lowerThreshold`, config.lowerThreshold, `at most the upperThreshold, ${config.upperThreshold}`);
  }
  return config;
}
