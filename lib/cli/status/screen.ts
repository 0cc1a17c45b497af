/** What `tunvs status` prints: a director on one screen, what needs an operator first. */
import type { Status } from '../../daemon/status.js';
import { cutLine, line, paint } from '../../demo/styled-line.js';
import { news, overview } from './overview.js';
import { serviceTable } from './services.js';

export interface ScreenOptions {
  columns: number;
  /** The number of lines that there is room for; all is shown without it. */
  rows?: number;
  color: boolean;
}

/** The share of the screen that news may take, and the number of lines when there is no screen. */
const NEWS_SHARE = 0.25;
const NEWS_LINES = 20;
/** The heading, a service and what is left out. */
const LEAST_SERVICE_LINES = 3;

/** Returns lines that fit `columns`, and no more than `rows` of them. */
export function statusScreen(status: Status, { columns, rows, color }: ScreenOptions): string {
  const room = rows ?? Number.POSITIVE_INFINITY;
  const top = overview(status, columns);
  const below = room - top.length - 1;
  const newsRoom =
    rows === undefined
      ? NEWS_LINES
      : Math.max(0, Math.min(Math.floor(room * NEWS_SHARE), below - LEAST_SERVICE_LINES - 1));
  const told = news(status, columns, newsRoom);
  const table = serviceTable(status.services, columns, Math.max(0, below - (told.length > 0 ? told.length + 1 : 0)));
  const blocks = [top, table, told].filter((block) => block.length > 0);
  const lines = blocks.flatMap((block, at) => (at === 0 ? block : [line(), ...block]));
  return lines
    .slice(0, room)
    .map((each) => `${paint(cutLine(each, columns), color).trimEnd()}\n`)
    .join('');
}
