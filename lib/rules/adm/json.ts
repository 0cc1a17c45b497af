/** Listings as JSON: the shapes are those of `director.stats()`, `connections()`, `timeouts`, `sysctls` and `marks`. */
import { jsonMember } from '../../values/json.js';
import type { ShowCommand } from '../apply.js';
import { printServiceId } from '../print.js';
import { noSuchService } from '../refusals.js';
import { listedService, type ShowSource } from '../show.js';

/**
 * Yields one JSON object: `{"services": [...]}`, `{"connections": [...]}` with a row a line, `{"timeouts": {...}}`,
 * `{"daemons": [...]}` or `{"marks": [...]}`.
 */
export async function* showJson(source: ShowSource, command: Exclude<ShowCommand, { command: 'save' }>) {
  if (command.command === 'listMarks') {
    yield json({ marks: source.marks });
  } else if (command.what === 'connections') {
    let separator = '{"connections":[\n';
    for await (const connection of source.connections()) {
      yield separator + text(connection);
      separator = ',\n';
    }
    yield separator.startsWith('{') ? '{"connections":[]}\n' : '\n]}\n';
  } else if (command.what === 'timeouts') {
    const { tcp, tcpFin, udp } = source.timeouts;
    yield json({ timeouts: { tcp, tcpFin, udp } });
  } else if (command.what === 'daemon') {
    const { master, backup } = source.sync;
    const roles = { ...(master && { master }), ...(backup && { backup }) };
    yield json({ daemons: Object.entries(roles).map(([role, state]) => ({ role, ...state })) });
  } else {
    const { service } = command;
    const name = service && printServiceId(service);
    const services = source
      .services()
      .filter((each) => name === undefined || printServiceId(listedService(each).id) === name);
    if (service && services.length === 0) throw noSuchService(service);
    yield json({ services });
  }
}

/** One line. */
export function json(value: unknown): string {
  return `${text(value)}\n`;
}

function text(value: unknown): string {
  return JSON.stringify(value, (_name, member) => jsonMember(member));
}
