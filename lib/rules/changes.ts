/** Lists what a reload has changed: each change as a line of the rules' own language, and the rule that it replaced. */
import type { VirtualServiceEdit } from '../director/service-options.js';
import type { MarkRule } from '../values/marks.js';
import { schedulerFlagNumbers } from '../values/scheduler.js';
import type { RealServerKey } from '../values/server-options.js';
import type { ServiceIdentity } from '../values/service-key.js';
import type { StateTimeouts } from '../values/timeouts.js';
import type { TableCommand } from './apply.js';
import { DEFAULT_SCHEDULER, type ServiceSettings } from './command.js';
import { printMark } from './mark.js';
import { printCommand, printSysctl, sorryRule } from './print.js';
import type { Operation } from './reconcile.js';
import { serverSettings, serviceIdOf } from './settings.js';
import type { WantedServerSettings } from './wanted.js';

export interface RuleChange {
  change: 'added' | 'edited' | 'deleted';
  /** The command that makes the change, as in `-e -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 3 --tun-type ipip`. */
  rule: string;
  /**
   * The rule that was in force, if there was one, as in `-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 1 --tun-type ipip`.
   */
  before?: string;
}

export function ruleChanges(steps: readonly Operation[]): RuleChange[] {
  return steps.flatMap(changesOf);
}

function changesOf(step: Operation): RuleChange[] {
  switch (step.op) {
    case 'setMarks':
      return markChanges(step.before, step.after);
    case 'deleteService': {
      const rule = printCommand({ command: 'deleteService', service: serviceIdOf(step.service) });
      return [{ change: 'deleted', rule, before: serviceRule('addService', step.service, step.before) }];
    }
    case 'addService':
      return [{ change: 'added', rule: serviceRule('addService', step.service, step.after) }];
    case 'editService': {
      const rule = serviceRule('editService', step.service, step.after);
      return [{ change: 'edited', rule, before: serviceRule('addService', step.service, step.before) }];
    }
    case 'deleteServer': {
      const service = serviceIdOf(step.service);
      const rule = printCommand({ command: 'deleteServer', service, server: step.server });
      return [{ change: 'deleted', rule, before: serverRule('addServer', step, step.before) }];
    }
    case 'addServer':
      return [{ change: 'added', rule: serverRule('addServer', step, step.after) }];
    case 'editServer': {
      const rule = serverRule('editServer', step, step.after);
      return [{ change: 'edited', rule, before: serverRule('addServer', step, step.before) }];
    }
    case 'setTimeouts':
      return [{ change: 'edited', rule: timeoutsRule(step.after), before: timeoutsRule(step.before) }];
    case 'setSysctl': {
      const { name, before, after } = step;
      return [{ change: 'edited', rule: printSysctl(name, after), before: printSysctl(name, before) }];
    }
  }
}

function serviceRule(command: 'addService' | 'editService', of: ServiceIdentity, given: VirtualServiceEdit): string {
  return printCommand({ command, service: serviceIdOf(of), settings: serviceSettings(given) });
}

function serverRule(
  command: (TableCommand & { server: unknown })['command'] & ('addServer' | 'editServer'),
  { service, server }: { service: ServiceIdentity; server: Required<RealServerKey> },
  given: WantedServerSettings,
): string {
  const rule = printCommand({ command, service: serviceIdOf(service), server, settings: serverSettings(given) });
  return given.isSorry ? sorryRule(rule) : rule;
}

function timeoutsRule({ established: tcp = 0, finWait: tcpFin = 0, udp = 0 }: StateTimeouts): string {
  return printCommand({ command: 'setTimeouts', tcp, tcpFin, udp });
}

function serviceSettings(given: VirtualServiceEdit): ServiceSettings {
  const { scheduler = DEFAULT_SCHEDULER, schedulerFlags = [], persistence, onePacket = false } = given;
  return {
    scheduler,
    schedulerFlags: schedulerFlags.map((flag) => schedulerFlagNumbers[flag]),
    ...(persistence && { persistence: persistence as NonNullable<ServiceSettings['persistence']> }),
    onePacket,
  };
}

/** The first rule that fits a packet counts, so that another order alone is a change as well. */
function markChanges(now: readonly MarkRule[], wanted: readonly MarkRule[]): RuleChange[] {
  const before = now.map((rule) => printMark({ command: 'addMark', rule }));
  const after = wanted.map((rule) => printMark({ command: 'addMark', rule }));
  const gone = now.filter((_, index) => !after.includes(before[index] as string));
  const changes: RuleChange[] = [
    ...gone.map((rule): RuleChange => {
      const [text, was] = (['deleteMark', 'addMark'] as const).map((command) => printMark({ command, rule }));
      return { change: 'deleted', rule: text as string, before: was as string };
    }),
    ...after.filter((rule) => !before.includes(rule)).map((rule): RuleChange => ({ change: 'added', rule })),
  ];
  if (changes.length > 0 || before.join('\n') === after.join('\n')) return changes;
  return [{ change: 'edited', rule: after.join('; '), before: before.join('; ') }];
}
