/** Rules put into force at a director: all of them or none. */
import type { Transaction } from '../configuration.js';
import type { Endpoint } from '../inet.js';
import type { RealServer } from '../real-server.js';
import type { RealServerEdit, VirtualServiceKey } from '../service-options.js';
import type { Scheduler } from '../scheduler.js';
import type { SchedulerChoice } from '../scheduler-options.js';
import type { VirtualService } from '../virtual-service.js';
import type { Command, ServerSettings, ServiceId, ServiceSettings, SysctlAssignment } from './command.js';
import { located, RulesError } from './errors.js';
import { forwardingOptions } from './forwarding.js';
import type { RuleLine } from './parse-rules.js';
import {
  asRulesError,
  checkServer,
  noSuchServer,
  noSuchService,
  serverExists,
  serviceExists,
  serviceNotDefined,
} from './refusals.js';
import { schedulerFlagNames } from './values.js';

type Timeouts = { tcp: number; tcpFin: number; udp: number };

/** What rules need of a director; `Director` and `OfflineDirector` have it. */
export interface RulesTarget {
  transaction<T>(body: (transaction: Transaction) => T): T;
  /** Seconds. */
  readonly timeouts: Timeouts;
  /** Seconds; 0 leaves a timeout as it is. */
  setTimeouts(timeouts: Timeouts): void;
  /** Without the prefix `net.ipv4.vs.`. */
  readonly sysctls: Readonly<Record<string, number>>;
  setSysctl(name: string, value: number): void;
}

/** Commands that change the tables of services and servers. */
export type TableCommand = Extract<
  Command,
  {
    command:
      | 'addService'
      | 'editService'
      | 'deleteService'
      | 'addServer'
      | 'editServer'
      | 'deleteServer'
      | 'clear'
      | 'zero';
  }
>;

/** Commands that print something and change nothing. */
export type ShowCommand = Extract<Command, { command: 'list' | 'save' }>;

type ChangingRule = TableCommand | Extract<Command, { command: 'setTimeouts' }> | SysctlAssignment;

export function isShowCommand(rule: RuleLine['rule']): rule is ShowCommand {
  return rule.command === 'list' || rule.command === 'save';
}

/** The lines in their order. A mistake leaves the director as it was and names its line. */
export function applyRules(target: RulesTarget, lines: readonly RuleLine[]): void {
  const undo: (() => void)[] = [];
  try {
    target.transaction((transaction) => {
      for (const { place, rule } of lines) {
        located(place, () => applyRule(target, transaction, changing(rule), undo));
      }
    });
  } catch (error) {
    for (const step of undo.reverse()) step();
    throw asRulesError(error);
  }
}

function changing(rule: RuleLine['rule']): ChangingRule {
  switch (rule.command) {
    case 'list':
    case 'save':
      throw new RulesError('a listing is printed in a replay only; leave the rule out');
    case 'restore':
    case 'help':
    case 'version':
    case 'startDaemon':
    case 'stopDaemon':
      throw new RulesError(`the command ${rule.command} has no meaning here; leave the rule out`);
    default:
      return rule;
  }
}

function applyRule(target: RulesTarget, transaction: Transaction, rule: ChangingRule, undo: (() => void)[]): void {
  try {
    if (rule.command === 'setTimeouts') {
      const before = target.timeouts;
      target.setTimeouts({ tcp: rule.tcp, tcpFin: rule.tcpFin, udp: rule.udp });
      undo.push(() => target.setTimeouts(before));
    } else if (rule.command === 'sysctl') {
      const before = target.sysctls[rule.name];
      target.setSysctl(rule.name, rule.value);
      if (before !== undefined) undo.push(() => target.setSysctl(rule.name, before));
    } else {
      applyTableCommand(transaction, rule);
    }
  } catch (error) {
    throw asRulesError(error);
  }
}

/** Throws a RulesError for what the kernel would refuse. */
export function applyTableCommand(transaction: Transaction, command: TableCommand): void {
  switch (command.command) {
    case 'clear':
      return transaction.clear();
    case 'zero':
      if (!command.service) return transaction.zero();
      return find(transaction, command.service, noSuchService).zero();
    case 'addService': {
      const key = serviceKey(command.service);
      if (transaction.virtualService(key)) throw serviceExists(command.service);
      transaction.addVirtualService({ ...key, ...schedulerChoice(command.settings) });
      return;
    }
    case 'editService':
      return find(transaction, command.service, noSuchService).edit(schedulerChoice(command.settings));
    case 'deleteService':
      return find(transaction, command.service, noSuchService).delete();
    case 'addServer': {
      checkServer(command);
      const service = find(transaction, command.service, serviceNotDefined);
      if (service.realServer(command.server)) throw serverExists(command.service, command.server);
      service.addRealServer({ ...command.server, ...serverOptions(command.settings) });
      return;
    }
    case 'editServer':
      checkServer(command);
      return findServer(transaction, command).edit(serverOptions(command.settings));
    case 'deleteServer':
      return findServer(transaction, command).delete();
  }
}

function find(transaction: Transaction, id: ServiceId, missing: (id: ServiceId) => RulesError): VirtualService {
  const key = serviceKey(id);
  // A service of port 0 is a persistent one, and there can be none yet.
  const service = key.port === 0 ? undefined : transaction.virtualService(key);
  if (!service) throw missing(id);
  return service;
}

function findServer(
  transaction: Transaction,
  { service, server }: { service: ServiceId; server: Endpoint },
): RealServer {
  const owner = find(transaction, service, serviceNotDefined);
  const found = server.port === 0 ? undefined : owner.realServer(server);
  if (!found) throw noSuchServer(service, server);
  return found;
}

/** REQUIRES: checkSupported() let the command pass. */
export function serviceKey(id: ServiceId): VirtualServiceKey {
  if (id.kind === 'fwmark') throw new RulesError('this kind of service is not supported yet');
  return { protocol: id.protocol, address: id.address, port: id.port };
}

function schedulerChoice({ scheduler, schedulerFlags }: ServiceSettings): SchedulerChoice {
  return { scheduler: scheduler as Scheduler, schedulerFlags: schedulerFlagNames(scheduler, schedulerFlags) };
}

function serverOptions(settings: ServerSettings): RealServerEdit {
  const { weight, upperThreshold, lowerThreshold } = settings;
  return { ...forwardingOptions(settings), weight, upperThreshold, lowerThreshold };
}
