/**
 * Prints `-S --all`: what `-S` prints, and what it leaves out: thresholds, timeouts, sysctls, marks, and the order in
 * which servers were added. `-R` of the text at a director without services brings all of that back, but for sorry
 * servers, which are comments. Sysctls that have no effect here are left out, because setting one is answered with a
 * warning.
 */
import { native } from '../../native/addon.js';
import type { SessionTarget } from '../session.js';
import { printMark } from '../mark.js';
import type { ServiceId } from '../command.js';
import type { ListedServer } from '../listing/rows.js';
import { printCommand, printSysctl, sorryRule } from '../print.js';
import { listedService, type ShowSource } from '../show.js';
import { sortServices } from '../listing/sort.js';

function printServer(service: ServiceId, { address, port, ...settings }: ListedServer): string {
  const rule = printCommand({ command: 'addServer', service, server: { address, port }, settings });
  return settings.isSorry ? sorryRule(rule) : rule;
}

/** Returns the rules, a line each. */
export function saveAll(source: ShowSource, { sysctls }: Pick<SessionTarget, 'sysctls'>): string[] {
  const services = source.services().map(listedService);
  const newestFirst = new Map(services.map((each) => [each.id, each.servers]));
  const { tcp, tcpFin, udp } = source.timeouts;
  return [
    ...Object.entries(sysctls)
      .filter(([name]) => native.inertSysctls[name] === undefined)
      .map(([name, value]) => printSysctl(name, value)),
    printCommand({ command: 'setTimeouts', tcp, tcpFin, udp }),
    // The marks become these, whatever they were.
    printMark({ command: 'flushMarks' }),
    ...source.marks.map((rule) => printMark({ command: 'addMark', rule })),
    ...sortServices(services).flatMap((service) => [
      printCommand({ command: 'addService', service: service.id, settings: service }),
      ...(newestFirst.get(service.id) ?? []).toReversed().map((server) => printServer(service.id, server)),
    ]),
  ];
}
