/**
 * Records docs/demo.svg: `tunvs demo` in a terminal of 80x24, made by script(1), one screen a second. Run it after
 * `npm run build`; a busy machine shows slow traffic.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Failure, main, root } from './lib/run.js';
import { takeScreens } from './lib/screen.js';
import { screensToSvg } from './lib/screen-svg.js';

const COLUMNS = 80;
const ROWS = 24;
const SECONDS_PER_SCENE = 5;
const HOLD_MS = 4000;
const FRAME_MS = 1000;

/** The demo's screens with their times, until all scenes have been played. */
async function record() {
  const demo = `'${process.execPath}' '${join(root, 'dist/lib/cli/main.js')}' demo --pace ${SECONDS_PER_SCENE}`;
  const command = `stty cols ${COLUMNS} rows ${ROWS}; exec ${demo}`;
  const env = { ...process.env, TERM: 'xterm', LC_ALL: 'C.UTF-8', NO_COLOR: '' };
  const terminal = spawn('script', ['-qfec', command, '/dev/null'], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = once(terminal, 'close');
  const frames = [];
  let text = '';
  terminal.stdout.setEncoding('utf8').on('data', (more) => {
    const { screens, rest } = takeScreens(text + more);
    text = rest;
    const rows = screens.at(-1);
    if (rows === undefined) return;
    if (frames.length === 0 || Date.now() - frames.at(-1).atMs >= FRAME_MS) frames.push({ atMs: Date.now(), rows });
    if (rows.flat().some((span) => span.text.includes('All scenes have been played'))) terminal.stdin.write('q');
  });
  const [code] = await ended;
  if (code !== 0 || frames.length === 0)
    throw new Failure(`The demo ended with ${code} after ${frames.length} screens.`);
  return frames;
}

/** Without the hint for another terminal: it names a process that is gone when somebody reads it. */
function withoutHint(rows) {
  const hint = rows.findIndex((row) => row.some(({ text }) => text.includes('Another terminal can join in')));
  return rows.map((row, index) => (hint >= 0 && index >= hint && index < rows.length - 1 ? [] : row));
}

await main(async () => {
  const frames = (await record()).map(({ atMs, rows }) => ({ atMs, rows: withoutHint(rows) }));
  const title = 'tunvs demo: a director in network namespaces balances HTTP requests over three real servers';
  const svg = screensToSvg(frames, { columns: COLUMNS, rows: ROWS, title, holdMs: HOLD_MS });
  writeFileSync(join(root, 'docs', 'demo.svg'), svg);
  console.log(`docs/demo.svg: ${frames.length} screens, ${Math.round(svg.length / 1024)} KiB`);
});
