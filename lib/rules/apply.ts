/** Puts rules into force at a director: all of them or none. */
import type { Transaction } from '../director/configuration.js';
import type { Endpoint } from '../values/inet.js';
import type { Persistence } from '../values/persistence.js';
import type { Scheduler } from '../values/scheduler.js';
import type { VirtualServiceKey } from '../values/service-key.js';
import type { RealServerEdit } from '../values/server-options.js';
import type { VirtualServiceEdit } from '../director/service-options.js';
import type { RealServer, VirtualService } from '../director/virtual-service.js';
import type { Command, ServerSettings, ServiceId, ServiceSettings, SysctlAssignment } from './command.js';
import { allOrNothing, setSysctl } from './all-or-nothing.js';
import { located, RulesError } from './errors.js';
import { forwardingOptions } from './forwarding.js';
import { isMarkCommand, isSameMark, type MarkCommand } from './mark.js';
import type { RuleLine } from './parse-rules.js';
import {
  asRulesError,
  checkServer,
  checkService,
  markExists,
  noSuchMark,
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

/** The commands that change the tables of services and servers. */
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

/** The commands that print something and change nothing. */
export type ShowCommand = Extract<Command | MarkCommand, { command: 'list' | 'save' | 'listMarks' }>;

type MarkChange = Exclude<MarkCommand, { command: 'listMarks' }>;

type ChangingRule = TableCommand | MarkChange | Extract<Command, { command: 'setTimeouts' }> | SysctlAssignment;

export function isShowCommand(rule: RuleLine['rule']): rule is ShowCommand {
  return rule.command === 'list' || rule.command === 'save' || rule.command === 'listMarks';
}

/** Applies the lines in their order. A mistake leaves the director as it was, and the error names the line. */
export function applyRules(target: RulesTarget, lines: readonly RuleLine[]): void {
  try {
    allOrNothing(target, (transaction, undo) => {
      for (const { place, rule } of lines) {
        located(place, () => applyRule(target, transaction, changing(rule), undo));
      }
    });
  } catch (error) {
    throw asRulesError(error);
  }
}

function changing(rule: RuleLine['rule']): ChangingRule {
  switch (rule.command) {
    case 'list':
    case 'save':
    case 'listMarks':
      throw new RulesError('only a replay prints listings: leave the rule out');
    case 'restore':
    case 'help':
    case 'version':
    case 'startDaemon':
    case 'stopDaemon':
      throw new RulesError(`the command ${rule.command} has no meaning here: leave the rule out`);
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
      setSysctl(target, rule.name, rule.value, undo);
      if (rule.syncPeriod !== undefined) setSysctl(target, 'sync_period', rule.syncPeriod, undo);
    } else if (isMarkCommand(rule)) {
      applyMarkChange(transaction, rule);
    } else {
      applyTableCommand(transaction, rule);
    }
  } catch (error) {
    throw asRulesError(error, rule);
  }
}

function applyMarkChange(transaction: Transaction, change: MarkChange): void {
  if (change.command === 'flushMarks') return transaction.setMarks([]);
  const { marks } = transaction;
  const { rule } = change;
  const others = marks.filter((each) => !isSameMark(each, rule));
  const isThere = others.length < marks.length;
  if (change.command === 'deleteMark') {
    if (!isThere) throw noSuchMark(rule);
    return transaction.setMarks(others);
  }
  if (isThere) throw markExists(rule);
  transaction.setMarks([...marks, rule]);
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
      checkService(command.service);
      const key = serviceKey(command.service);
      if (transaction.virtualService(key)) throw serviceExists(command.service);
      transaction.addVirtualService({ ...key, ...serviceOptions(command.settings) });
      return;
    }
    case 'editService':
      return find(transaction, command.service, noSuchService).edit(serviceOptions(command.settings));
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
  const service = transaction.virtualService(serviceKey(id));
  if (!service) throw missing(id);
  return service;
}

function findServer(
  transaction: Transaction,
  { service, server }: { service: ServiceId; server: Endpoint },
): RealServer {
  const found = find(transaction, service, serviceNotDefined).realServer(server);
  if (!found) throw noSuchServer(service, server);
  return found;
}

function serviceKey(id: ServiceId): VirtualServiceKey {
  if (id.kind === 'mark') return { mark: id.mark, family: id.family };
  const { protocol, address, port, lastPort } = id;
  return { protocol, address, port, lastPort };
}

/** REQUIRES: checkSupported() let the command pass. */
function serviceOptions(settings: ServiceSettings): VirtualServiceEdit {
  const { scheduler, schedulerFlags, persistence, onePacket } = settings;
  return {
    scheduler: scheduler as Scheduler,
    schedulerFlags: schedulerFlagNames(scheduler, schedulerFlags),
    persistence: (persistence as Persistence | undefined) ?? false,
    onePacket,
  };
}

function serverOptions(settings: ServerSettings): RealServerEdit {
  const { weight, upperThreshold, lowerThreshold } = settings;
  return { ...forwardingOptions(settings), weight, upperThreshold, lowerThreshold };
}
