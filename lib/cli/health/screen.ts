/** What `tunvs health` prints: each server that is checked, with what was found last; why it is down, and the mend. */
import type { HealthOverview } from '../../control/schema/health.js';
import { fitText, type Line, line, type Span, span, type Style, wrapText } from '../../demo/styled-line.js';
import { timeText } from '../../health/sentences.js';
import { duration } from '../status/figures.js';

type ServiceLine = HealthOverview['services'][number];
type ServerLine = ServiceLine['servers'][number];

const STYLES: Readonly<Record<ServerLine['state'], Style>> = {
  up: 'good',
  down: 'bad',
  starting: 'warning',
  held: 'bad',
  kept: 'warning',
  unchecked: 'dim',
};

const STATE = 11;
const LEAST_NAME = 8;

/** A service's own line counts all servers that `all` has of it, which may be more than are shown. */
export function healthLines(shown: HealthOverview, columns: number, nowMs: number, all = shown): Line[] {
  const { services } = shown;
  if (all.services.length === 0) return [line(span('no servers are checked', 'warning'))];
  if (services.length === 0) return [line(span('no server is down', 'good'))];
  const names = services.flatMap(({ name, servers }) => [name, ...servers.map((server) => `  ${server.name}`)]);
  const width = Math.max(LEAST_NAME, ...names.map(({ length }) => length)) + 1;
  const whole = new Map(all.services.map((service) => [service.name, service]));
  return services.flatMap((service) => [
    serviceLine(whole.get(service.name) ?? service, width),
    ...service.servers.flatMap((server) => serverLines(server, width, columns, nowMs)),
  ]);
}

function serviceLine({ name, servers, isUp, weight, quorum, isFailOpen, isSorry }: ServiceLine, width: number): Line {
  const real = servers.filter((server) => !server.isSorry);
  const up = real.filter(({ state }) => state !== 'down' && state !== 'held' && state !== 'starting').length;
  const style: Style = !isUp ? 'bad' : up < real.length ? 'warning' : 'good';
  const more = [
    quorum > 1 || !isUp ? `quorum ${weight} of ${quorum}` : '',
    isSorry ? 'the sorry servers are in force' : '',
    isFailOpen ? 'too many fail at once: all are kept' : '',
  ].filter((each) => each !== '');
  return line(
    span(fitText(name, width), 'bold'),
    span(fitText(`${up}/${real.length} up`, STATE), style),
    span(more.join(', '), 'warning'),
  );
}

function serverLines(server: ServerLine, width: number, columns: number, nowMs: number): Line[] {
  const { name, state, since, message, mend, ownFault, isSorry, last } = server;
  const head = [span(fitText(`  ${name}`, width)), span(fitText(state, STATE), STYLES[state])];
  if (isSorry) return [line(span(fitText(`  ${name}`, width)), span(fitText('sorry', STATE), 'dim'))];
  if (state === 'unchecked') return [line(...head, span('nobody checks it', 'dim'))];
  const when = `since ${timeText(since)} (${duration(Math.max(0, nowMs - since))})`;
  const found = message ?? (last && `${last.message}, ${Math.round(last.durationMs)} ms`);
  const rest = found === undefined ? when : `${when}  ${found}`;
  const indent = ' '.repeat(width + STATE);
  const room = Math.max(20, columns - indent.length);
  const below = (text: string, style: Style): Line[] =>
    wrapText(text, room).map((each) => line(span(indent), span(each, style)));
  const [first = '', ...others] = wrapText(rest, room);
  const shown: Span = span(first, state === 'up' ? 'plain' : STYLES[state]);
  return [
    line(...head, shown),
    ...others.map((each) => line(span(indent), span(each, STYLES[state]))),
    ...(mend === undefined ? [] : below(mend, 'plain')),
    ...(ownFault === undefined ? [] : below(`the director's own fault: ${ownFault}`, 'warning')),
  ];
}
