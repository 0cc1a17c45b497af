/** What a configuration changes, as a sentence and as plain data. */
import type { MarkRule } from '../../values/marks.js';
import { isDeepStrictEqual } from 'node:util';
import type { Operation } from '../../rules/reconcile.js';
import { serverName } from '../../values/server-options.js';
import { serviceName } from '../../values/service-key.js';
import { Policy } from '../../policy/policy.js';

/** One change that a spec makes, or would make. */
export interface PlannedChange {
  /** Says what is done. 'restart' is told and not done: only a new start of the director brings it about. */
  change: 'added' | 'edited' | 'deleted' | 'restart';
  /** Says what changes. */
  what: 'service' | 'server' | 'health' | 'marks' | 'timeouts' | 'sysctl' | 'option';
  /** Names the service, as `tcp 192.0.2.1:80`. */
  service?: string;
  /** Names the server, as `10.0.0.11:80`, or the sysctl or the option. */
  name?: string;
  /** Has the settings that differ, as they were. Where something is deleted it has all of them. */
  before?: Readonly<Record<string, unknown>>;
  /** Has the settings that differ, as they become. Where something is added it has all of them. */
  after?: Readonly<Record<string, unknown>>;
  /** Says all of it in words. */
  sentence: string;
}

export function plannedChanges(steps: readonly Operation[]): PlannedChange[] {
  return steps.map(plannedChange);
}

function plannedChange(step: Operation): PlannedChange {
  switch (step.op) {
    case 'setMarks': {
      const [before, after] = [step.before.map(formatMark), step.after.map(formatMark)];
      const sentence = `marks: ${list(before)} -> ${list(after)}`;
      return { change: 'edited', what: 'marks', before: { marks: before }, after: { marks: after }, sentence };
    }
    case 'setTimeouts':
      return edited({ what: 'timeouts' }, 'timeouts', step.before, step.edit);
    case 'setSysctl': {
      const { name, before, after } = step;
      return edited({ what: 'sysctl', name }, 'sysctl', { [name]: before }, { [name]: after });
    }
    default:
      return tableChange(step);
  }
}

type TableStep = Extract<Operation, { service: unknown }>;

function tableChange(step: TableStep): PlannedChange {
  const service = serviceName(step.service);
  const name = 'server' in step ? serverName(step.server) : undefined;
  const of = { what: name === undefined ? 'service' : 'server', service, ...(name !== undefined && { name }) } as const;
  const title = name === undefined ? `service ${service}` : `service ${service}: server ${name}`;
  switch (step.op) {
    case 'addService':
    case 'addServer':
      return { change: 'added', ...of, after: plain(step.after), sentence: `${title} is added` };
    case 'deleteService':
    case 'deleteServer':
      return { change: 'deleted', ...of, before: plain(step.before), sentence: `${title} is deleted` };
    case 'editService':
    case 'editServer':
      return edited(of, title, step.before, step.edit);
  }
}

function edited(
  of: Pick<PlannedChange, 'what' | 'service' | 'name'>,
  title: string,
  before: object,
  edit: object,
): PlannedChange {
  const [old, next] = [plain(before), plain(edit)];
  const policies = [before, edit].map((settings) => (settings as { policy?: unknown }).policy);
  const isAnew = policies[1] !== undefined && policies[0] !== policies[1];
  const names = Object.keys(next).filter(
    (name) => (name === 'policy' && isAnew) || !isDeepStrictEqual(old[name], next[name]),
  );
  const sentence = `${title}: ${names.map((name) => difference(name, old[name], next[name])).join(', ')}`;
  return { change: 'edited', ...of, before: only(names, old), after: only(names, next), sentence };
}

/** A policy whose module was imported again may have the name that it had. */
function difference(name: string, before: unknown, after: unknown): string {
  return word(before) === word(after) ? `${name} ${word(after)} anew` : `${name} ${word(before)} -> ${word(after)}`;
}

/** A policy is shown by its name. */
function plain(settings: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, value instanceof Policy ? `policy ${value.name}` : value]),
  );
}

function only(names: readonly string[], from: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(names.filter((name) => from[name] !== undefined).map((name) => [name, from[name]]));
}

export function word(value: unknown): string {
  if (value === undefined || value === null || value === false) return 'none';
  return typeof value === 'string' ? value : JSON.stringify(value);
}

const list = (texts: readonly string[]) => texts.join('; ') || 'none';

function formatMark({ mark, ...parts }: MarkRule): string {
  return [mark, ...Object.entries(parts).map(([name, value]) => `${name} ${value}`)].join(' ');
}
