/** Says rules as a spec: what a director wants after the rules, in their order. */
import type { ServerSettings, ServiceId, ServiceSettings } from '../rules/command.js';
import { servicePort } from '../rules/command.js';
import { RulesError } from '../rules/errors.js';
import { CHECKSUMS } from '../rules/forwarding.js';
import { isSameMark } from '../rules/mark.js';
import type { RuleLine } from '../rules/parse-rules.js';
import { printServiceId } from '../rules/print.js';
import { schedulerFlagNames } from '../rules/values.js';
import type { Endpoint } from '../values/inet.js';
import { serverName } from '../values/server-options.js';
import { DEFAULT_FORWARDING_METHOD } from '../values/forwarding-method.js';
import { formatPath } from './mistake.js';
import type { ServerSpec, ServiceSpec, Spec } from './spec.js';

/** Rules do not say what the director's own address is. */
export type RulesSpec = Omit<Spec, 'source'>;

export interface SaidByRules {
  spec: RulesSpec;
  /** The lines by which services and servers were added, by path. */
  lines: Map<string, number>;
}

interface Item<T> {
  line: number;
  key: Endpoint | undefined;
  value: T;
}

/** REQUIRES: parseRules() read the lines. Throws a RulesError where a line changes what is not there. */
export function specFromRules(given: readonly Pick<RuleLine, 'rule' | 'place'>[]): SaidByRules {
  const services = new Map<string, Item<ServiceSpec> & { servers: Map<string, Item<ServerSpec>> }>();
  const spec: RulesSpec = {};
  const find = (id: ServiceId) => {
    const service = services.get(printServiceId(id));
    if (service === undefined) throw new RulesError(`there is no service ${printServiceId(id)}: add it before`);
    return service;
  };
  for (const { rule, place } of given) {
    const { line } = place;
    switch (rule.command) {
      case 'addService':
      case 'editService': {
        const name = printServiceId(rule.service);
        const before = rule.command === 'editService' ? find(rule.service) : { line, servers: new Map() };
        services.set(name, { ...before, key: undefined, value: serviceSpec(rule.service, rule.settings) });
        break;
      }
      case 'deleteService':
        find(rule.service);
        services.delete(printServiceId(rule.service));
        break;
      case 'addServer':
      case 'editServer': {
        const { servers } = find(rule.service);
        const name = serverName(rule.server);
        const value = serverSpec(rule.service, rule.server, rule.settings);
        servers.set(name, { line: servers.get(name)?.line ?? line, key: rule.server, value });
        break;
      }
      case 'deleteServer':
        find(rule.service).servers.delete(serverName(rule.server));
        break;
      case 'clear':
        services.clear();
        break;
      case 'setTimeouts':
        for (const name of ['tcp', 'tcpFin', 'udp'] as const)
          if (rule[name] > 0) spec.timeouts = { ...spec.timeouts, [name]: rule[name] };
        break;
      case 'sysctl':
        spec.sysctls = { ...spec.sysctls, [rule.name]: rule.value };
        if (rule.syncPeriod !== undefined) spec.sysctls.sync_period = rule.syncPeriod;
        break;
      case 'addMark':
        spec.marks ??= [];
        spec.marks.push(rule.rule);
        break;
      case 'deleteMark':
        spec.marks = spec.marks?.filter((each) => !isSameMark(each, rule.rule));
        break;
      case 'flushMarks':
        spec.marks = undefined;
        break;
      default:
        // What prints, counts anew or is refused wants nothing of a director.
        break;
    }
  }
  const lines = new Map<string, number>();
  const said = [...services.values()].map(({ line, value, servers }, index) => {
    lines.set(formatPath(['services', index]), line);
    const list = [...servers.values()];
    for (const [at, server] of list.entries()) lines.set(formatPath(['services', index, 'servers', at]), server.line);
    return { ...value, ...(list.length > 0 && { servers: list.map((server) => server.value) }) };
  });
  const { marks, ...others } = spec;
  return {
    spec: {
      ...others,
      ...(marks !== undefined && marks.length > 0 && { marks }),
      ...(said.length > 0 && { services: said }),
    },
    lines,
  };
}

function serviceSpec(id: ServiceId, settings: ServiceSettings): ServiceSpec {
  const { scheduler, schedulerFlags, persistence, onePacket } = settings;
  const { kind, ...key } = id;
  const name = kind === 'mark' && id.family === 4 ? { mark: id.mark } : key;
  return {
    ...name,
    scheduler: scheduler as ServiceSpec['scheduler'],
    ...(schedulerFlags.length > 0 && { schedulerFlags: schedulerFlagNames(scheduler, schedulerFlags) }),
    ...(persistence && { persistence: persistence as ServiceSpec['persistence'] }),
    ...(onePacket && { onePacket }),
  };
}

function serverSpec(service: ServiceId, { address, port }: Endpoint, settings: ServerSettings): ServerSpec {
  const { forwarding, tunnelPort, tunnelChecksum, clientAddress, weight, upperThreshold, lowerThreshold } = settings;
  const checksum = tunnelChecksum && CHECKSUMS[tunnelChecksum];
  return {
    address,
    ...(port !== servicePort(service) && { port }),
    ...(weight !== 1 && { weight }),
    ...(forwarding !== DEFAULT_FORWARDING_METHOD && { forwarding: forwarding as ServerSpec['forwarding'] }),
    ...(tunnelPort !== undefined && { tunnelPort }),
    ...(checksum !== undefined && checksum !== 'none' && { tunnelChecksum: checksum }),
    ...(clientAddress !== undefined && { clientAddress }),
    ...(upperThreshold > 0 && { upperThreshold }),
    ...(lowerThreshold > 0 && { lowerThreshold }),
  };
}
