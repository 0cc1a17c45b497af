/**
 * Draws the pictures in docs/schedulers.md from what the schedulers do on an offline director, which is the same on
 * every machine.
 *
 * `node dist/bench/scheduler-pictures.js` puts them into the document; a test holds the document to them.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { type Scheduler, schedulers } from '../lib/values/scheduler.js';
import { countsOf, Scheduling, type ServerSetting } from '../test/support/scheduling.js';

const WIDTH = 50;
const NAME_WIDTH = 12;

type Bar = [letter: string, part: number][];

/** Draws parts of one side by side; each is as long as its share, to the nearest place. */
function bar(parts: Bar): string {
  let text = '';
  let end = 0;
  for (const [letter, part] of parts) {
    end += part;
    text = text.padEnd(Math.round(end * WIDTH), letter);
  }
  return text;
}

const percent = (part: number) => `${(part * 100).toFixed(1)} %`.padStart(7);

async function shares(scheduler: Scheduler, servers: ServerSetting[], flows: number): Promise<Bar> {
  await using scheduling = new Scheduling({ scheduler }, servers);
  const counts = countsOf(scheduling.open(flows));
  return [...servers.map(({ name }) => name), '-'].map((name) => [name, (counts[name] ?? 0) / flows]);
}

/** Draws where lasting connections of many clients go. `-` are refused. */
async function sharePicture(): Promise<string> {
  const servers = [...'abcd'].map((name, i) => ({ name, weight: i + 1 }));
  const total = servers.reduce((sum, { weight }) => sum + weight, 0);
  const lines = [`${'by weight'.padEnd(NAME_WIDTH)}${bar(servers.map(({ name, weight }) => [name, weight / total]))}`];
  for (const scheduler of schedulers) {
    lines.push(`${scheduler.padEnd(NAME_WIDTH)}${bar(await shares(scheduler, servers, 1000))}`);
  }
  return lines.join('\n');
}

/**
 * Draws where clients go that come again after one of five servers has left, when none of their connections is
 * remembered.
 */
async function disruptionPicture(): Promise<string> {
  const flows = 4000;
  const servers = [...'abcde'].map((name) => ({ name, weight: 1 }));
  const lines: string[] = [];
  for (const scheduler of ['rendezvous', 'maglev', 'mh', 'sh', 'rr', 'wlc', 'p2c'] as const) {
    await using before = new Scheduling({ scheduler }, servers);
    await using after = new Scheduling({ scheduler }, servers, 2);
    after.server('c')?.delete();
    const then = after.open(flows);
    const fates = before.open(flows).map((name, i) => (name === 'c' ? '>' : then[i] === name ? '=' : 'x'));
    const counts = countsOf(fates);
    const parts = ['=', '>', 'x'].map((fate): [string, number] => [fate, (counts[fate] ?? 0) / flows]);
    lines.push(`${scheduler.padEnd(NAME_WIDTH)}${bar(parts)} ${percent(parts[2]?.[1] ?? 0)} moved needlessly`);
  }
  return lines.join('\n');
}

const PICTURES = { share: sharePicture, disruption: disruptionPicture };

/** Returns `text` with each picture between its marks. */
export async function withPictures(text: string): Promise<string> {
  let drawn = text;
  for (const [name, draw] of Object.entries(PICTURES)) {
    const marks = new RegExp(`(<!-- ${name}: [^>]*-->\n)[^]*?(<!-- end -->)`);
    if (!marks.test(drawn)) throw new Error(`there is no place for the picture "${name}"`);
    const picture = await draw();
    drawn = drawn.replace(marks, (_, begin: string, end: string) => `${begin}\`\`\`text\n${picture}\n\`\`\`\n${end}`);
  }
  return drawn;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const place = new URL('../../docs/schedulers.md', import.meta.url);
  writeFileSync(place, await withPictures(readFileSync(place, 'utf8')));
}
