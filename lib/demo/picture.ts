/**
 * Draws the demo's picture: state and size in, lines out. Where there is little room, what matters least is left out.
 */
import { history, serverTable } from './server-table.js';
import type { DemoState, PlayedScene } from './state.js';
import { columnsOf, cutLine, fitText, type Line, line, span, wrapText } from './styled-line.js';
import type { Size } from './terminal.js';

export interface Theme {
  isUnicode: boolean;
}

interface Block {
  lines: Line[];
  /** The blocks with the highest worth stay when there is little room. */
  worth: number;
}

export function drawPicture(state: DemoState, { columns, rows }: Size, { isUnicode }: Theme): Line[] {
  const footer = keysLine(state, columns);
  const blocks: Block[] = [
    { lines: [titleLine(state, columns, isUnicode)], worth: 7 },
    { lines: rows >= 34 ? topology(state, columns, isUnicode) : [], worth: 1 },
    { lines: sceneLines(state, columns, rows), worth: 8 },
    { lines: [[], ...serverTable(state, columns, isUnicode)], worth: 9 },
    { lines: trafficLines(state, columns, isUnicode), worth: 6 },
    { lines: messageLines(state, columns), worth: 7.5 },
    { lines: hintLines(state, columns), worth: 4 },
  ];
  const room = Math.max(0, rows - 1);
  const kept = keepWorthiest(blocks, room);
  const left = room - kept.reduce((sum, { lines }) => sum + lines.length, 0);
  const outcomes = outcomeLines(state.played, columns, left);
  const hint = kept.find(({ worth }) => worth === 4);
  const above = kept.filter((block) => block !== hint).flatMap(({ lines }) => lines);
  const filling: Line[] = Array.from({ length: Math.max(0, left - outcomes.length) }, () => []);
  const lines = [...above, ...outcomes, ...filling, ...(hint?.lines ?? [])];
  return [...lines.slice(0, room), footer].slice(-rows).map((each) => cutLine(each, columns));
}

/** Takes whole blocks; the worthiest is cut when even that does not fit. */
function keepWorthiest(blocks: readonly Block[], room: number): Block[] {
  const kept = new Set<Block>();
  let left = room;
  for (const block of [...blocks].sort((a, b) => b.worth - a.worth)) {
    if (block.lines.length > left && kept.size > 0) continue;
    kept.add(block);
    left -= block.lines.length;
  }
  return blocks.filter((block) => kept.has(block));
}

function titleLine(state: DemoState, columns: number, isUnicode: boolean): Line {
  const arrow = isUnicode ? '→' : '->';
  const way = ['client', `VIP ${state.virtualAddress}`, 'director', `${state.servers.length} real servers`];
  return line(span(fitText(` tunvs demo   ${way.join(` ${arrow} `)}`, columns), 'inverse'));
}

function topology(state: DemoState, columns: number, isUnicode: boolean): Line[] {
  if (columns < 90) return [];
  const [there, back] = isUnicode ? ['──▶', '◀──'] : ['-->', '<--'];
  return [
    [],
    line('  client ', state.clientAddress, ` ${there} router ${there} director ${state.directorAddress}`),
    line(`  the director sends each packet on in a tunnel ${there} router ${there} real servers`),
    line(span(`  client ${back} router ${back} real servers: replies do not pass the director`, 'dim')),
  ];
}

/** So wide that what there is to watch fits on a line. */
const WIDE_COLUMNS = 130;

function sceneLines({ scene, hasKeys }: DemoState, columns: number, rows: number): Line[] {
  const title =
    scene === undefined
      ? line(span('  All scenes have been played; traffic goes on', 'bold'))
      : line(span(`  Scene ${scene.number} of ${scene.count}: `, 'accent'), span(scene.title, 'bold'));
  const again = hasKeys ? 'Stop or drain a server and watch the others take its share; n plays the scenes again.' : '';
  const text = scene === undefined ? again : scene.watch;
  if (rows < 16 || text === '') return [title];
  const watch = wrapText(text, columns - 4).map((each) => line(span(`  ${each}`, 'dim')));
  // There are always as many lines, so that the table stays where it is from one scene to the next; there are more
  // where a text needs them and there is room.
  const usual = columns >= WIDE_COLUMNS ? 1 : 2;
  const height = rows >= 24 ? Math.max(usual, watch.length) : usual;
  return [[], title, ...Array.from({ length: height }, (_, index) => watch[index] ?? [])];
}

function trafficLines(state: DemoState, columns: number, isUnicode: boolean): Line[] {
  const perSecond = Math.round(state.history.at(-1) ?? 0);
  const counts = line(
    `  Between the scenes ${state.answered} requests answered, `,
    span(`${state.failed} not`, state.failed > 0 ? 'bad' : 'plain'),
    `; now ${perSecond} connections/s`,
  );
  return [[], counts, line('  ', span(history(state.history, columns - 4, isUnicode), 'accent'))];
}

/** Shows as many of the newest as fit in `room`. */
function outcomeLines(played: readonly PlayedScene[], columns: number, room: number): Line[] {
  const lines: Line[] = [];
  for (const { title, text, ok } of [...played].reverse()) {
    const [first = '', ...others] = wrapText(`${title}: ${text}.`, Math.max(10, columns - 10));
    const block = [
      line(span(ok ? '  ok    ' : '  FAILED', ok ? 'good' : 'bad'), ` ${first}`),
      ...others.map((each) => line(`         ${each}`)),
    ];
    if (lines.length + block.length + 1 > room) break;
    lines.unshift(...block);
  }
  return lines.length === 0 ? [] : [[], ...lines];
}

function messageLines({ message }: DemoState, columns: number): Line[] {
  return message === '' ? [] : wrapText(message, columns - 4).map((each) => line(span(`  ${each}`, 'warning')));
}

function hintLines({ hint }: DemoState, columns: number): Line[] {
  if (hint === '') return [];
  const label = 'Another terminal can join in:';
  const whole = `${label} ${hint}`;
  // The hint is not wrapped, because it is there to be copied.
  const lines = columnsOf(whole) <= columns - 4 ? [whole] : [label, hint];
  return lines.map((each) => line(span(`  ${each}`, 'dim')));
}

function keysLine({ hasKeys, servers }: DemoState, columns: number): Line {
  if (!hasKeys) return line(span(fitText(' Ctrl-C ends it', columns), 'inverse'));
  const long = ` 1-${servers.length} choose  s stop/start  d drain/undrain  n next scene  q or Ctrl-C ends it`;
  const short = ` 1-${servers.length} s stop d drain n next q end`;
  return line(span(fitText(columns >= long.length ? long : short, columns), 'inverse'));
}
