/** Draws the table of real servers: it has as many columns as fit, and the rest of the width is a bar. */
import type { DemoState, ServerState } from './state.js';
import { columnsOf, fitText, type Line, line, type Style, span } from './styled-line.js';

interface Column {
  title: string;
  /** A negative width is filled on the left. */
  width: number;
  value(server: ServerState): string;
  /** The table shows the column from this width on. */
  from: number;
}

const COLUMNS: readonly Column[] = [
  { title: 'server', width: 7, value: ({ name }) => name, from: 0 },
  { title: 'address', width: 11, value: ({ address }) => address, from: 60 },
  { title: 'state', width: 8, value: stateWord, from: 0 },
  { title: 'weight', width: -6, value: ({ weight }) => String(weight), from: 50 },
  { title: 'active', width: -6, value: ({ activeConnections }) => String(activeConnections), from: 72 },
  { title: 'inactive', width: -8, value: ({ inactiveConnections }) => String(inactiveConnections), from: 92 },
  { title: 'total', width: -7, value: ({ connections }) => String(connections), from: 92 },
  { title: 'packets/s', width: -9, value: ({ packetsPerSecond }) => rate(packetsPerSecond), from: 104 },
  { title: 'conn/s', width: -6, value: ({ connectionsPerSecond }) => rate(connectionsPerSecond), from: 0 },
];

const EIGHTHS = ['', '▏', '▎', '▍', '▌', '▋', '▊', '▉'];

function stateWord({ weight, isRunning }: ServerState): string {
  if (!isRunning) return 'stopped';
  return weight === 0 ? 'drained' : 'serving';
}

const STYLES: Record<string, Style> = { serving: 'good', drained: 'warning', stopped: 'bad' };

function rate(perSecond: number): string {
  return String(Math.round(perSecond));
}

/** Draws `fraction` of `columns`: [0, 1]; any fraction above 0 is visible. */
export function bar(fraction: number, columns: number, isUnicode: boolean): string {
  const exact = Math.max(0, Math.min(1, fraction)) * columns;
  if (!isUnicode) return '#'.repeat(exact > 0 ? Math.max(1, Math.round(exact)) : 0);
  const eighths = exact > 0 ? Math.max(1, Math.round(exact * 8)) : 0;
  return '█'.repeat(Math.floor(eighths / 8)) + EIGHTHS[eighths % 8];
}

export function serverTable(state: DemoState, columns: number, isUnicode: boolean): Line[] {
  const shown = COLUMNS.filter(({ from }) => columns >= from);
  const used = 4 + shown.reduce((sum, { width }) => sum + Math.abs(width) + 1, 0);
  const most = scaleOf(Math.max(...state.servers.map((server) => server.connectionsPerSecond)));
  const header = line(span(`    ${shown.map(({ title, width }) => fitText(title, width)).join(' ')}`, 'dim'));
  const rows = state.servers.map((server, index) => {
    const isSelected = state.hasKeys && index === state.selected;
    const style = STYLES[stateWord(server)] ?? 'plain';
    const mark = isSelected ? (isUnicode ? '▸' : '>') : ' ';
    return line(
      span(`${mark}${index + 1}  `, isSelected ? 'bold' : 'dim'),
      ...shown.flatMap((column) => {
        const text = `${fitText(column.value(server), column.width)} `;
        if (column.title === 'state') return [span(text, style)];
        return [span(text, isSelected && column.title === 'server' ? 'bold' : 'plain')];
      }),
      span(bar(server.connectionsPerSecond / most, Math.max(0, columns - used), isUnicode), style),
    );
  });
  return [header, ...rows];
}

/** The full length of a bar is a power of two, so that bars do not change with every sample. */
function scaleOf(most: number): number {
  return Math.max(16, 2 ** Math.ceil(Math.log2(Math.max(1, most))));
}

const LEVELS = '▁▂▃▄▅▆▇█';
const ASCII_LEVELS = '_.-=+*%#';

/** Draws a row in which each column is a moment, the newest at the right. */
export function history(values: readonly number[], columns: number, isUnicode: boolean): string {
  const shown = values.slice(-Math.max(1, columns));
  const most = Math.max(1, ...shown);
  const levels = [...(isUnicode ? LEVELS : ASCII_LEVELS)];
  const text = shown.map((value) => levels[Math.round((value / most) * (levels.length - 1))]).join('');
  return ' '.repeat(Math.max(0, columns - columnsOf(text))) + text;
}
