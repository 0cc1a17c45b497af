/** Lists what a reload has changed: each change as a line of the rules' own language, and the rule that it replaced. */
import { formatEndpoint } from '../values/inet.js';
import type { MarkRule } from '../values/marks.js';
import type { TableCommand } from './apply.js';
import type { ListedService } from './listing/rows.js';
import { printMark } from './mark.js';
import { printCommand, printServiceId } from './print.js';
import { serverSettings, serviceSettings } from './settings.js';

export interface RuleChange {
  change: 'added' | 'edited' | 'deleted';
  /** The command that makes the change, as in `-e -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 3 --tun-type ipip`. */
  rule: string;
  /**
   * The rule that was in force, if there was one, as in `-a -t 192.0.2.1:80 -r 10.0.0.11:80 -i -w 1 --tun-type ipip`.
   */
  before?: string;
}

/** `commands`: what reconcile() made for `now`. */
export function tableChanges(now: readonly ListedService[], commands: readonly TableCommand[]): RuleChange[] {
  const rules = new Map(now.flatMap(rulesOf));
  return commands.map((command) => {
    const before = rules.get(nameOf(command));
    return { change: CHANGES[command.command], rule: printCommand(command), ...(before !== undefined && { before }) };
  });
}

const CHANGES: Readonly<Record<TableCommand['command'], RuleChange['change']>> = {
  addService: 'added',
  addServer: 'added',
  editService: 'edited',
  editServer: 'edited',
  zero: 'edited',
  deleteService: 'deleted',
  deleteServer: 'deleted',
  clear: 'deleted',
};

function rulesOf(listed: ListedService): [name: string, rule: string][] {
  const service = listed.id;
  const own: TableCommand = { command: 'addService', service, settings: serviceSettings(listed) };
  const servers = listed.servers.map((each): TableCommand => {
    const { address, port } = each;
    return { command: 'addServer', service, server: { address, port }, settings: serverSettings(each) };
  });
  return [own, ...servers].map((command) => [nameOf(command), printCommand(command)]);
}

function nameOf(command: TableCommand): string {
  if (!('service' in command) || command.service === undefined) return '';
  return `${printServiceId(command.service)} ${'server' in command ? formatEndpoint(command.server) : ''}`;
}

/** The first rule that fits a packet counts, so that another order alone is a change as well. */
export function markChanges(now: readonly MarkRule[], wanted: readonly MarkRule[]): RuleChange[] {
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
