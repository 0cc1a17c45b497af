/** The recording of the demo: what is written to a terminal becomes screens, and screens become an SVG. */
import { strict as assert } from 'node:assert';
import { Terminal } from '../../lib/demo/terminal.js';
import { line, span } from '../../lib/demo/styled-line.js';
import { readPage, ROOT } from '../support/doc-blocks.js';

const { takeScreens } = await import(new URL('scripts/lib/screen.js', ROOT).href);
const { screensToSvg } = await import(new URL('scripts/lib/screen-svg.js', ROOT).href);

/** What the demo's terminal writes for these lines. */
function written(columns: number, rows: number, lines: Parameters<Terminal['draw']>[0]): string {
  let text = '';
  const output = { write: (more: string) => (text += more), isTTY: true, columns, rows };
  const input = { resume() {}, pause() {}, on() {}, off() {} };
  const terminal = new Terminal({ output, input, hasColour: true }, { onKeys() {}, onResize() {}, onHangUp() {} });
  terminal.draw(lines);
  terminal.close();
  return text;
}

describe('the recording of the demo', () => {
  const text = written(20, 3, [line('a ', span('bc', 'good')), [], line(span(' <end>', 'inverse'))]);
  const screen = [
    [
      { text: 'a ', code: '', column: 0 },
      { text: 'bc', code: '32', column: 2 },
    ],
    [],
    [{ text: ' <end>', code: '7', column: 0 }],
  ];

  it('takes whole screens out of what the demo writes, and keeps what is not whole', () => {
    assert.deepEqual(takeScreens(text).screens, [screen]);
    const half = text.slice(0, text.indexOf('<end>'));
    const first = takeScreens(half);
    assert.deepEqual(first.screens, []);
    assert.deepEqual(takeScreens(first.rest + text.slice(half.length)).screens, [screen]);
  });

  it('draws a row that comes again once, and shows each screen from its time on', () => {
    const frames = [0, 1000, 3000].map((atMs) => ({ atMs, rows: screen }));
    const svg = screensToSvg(frames, { columns: 20, rows: 3, title: 'a & b', holdMs: 1000 }) as string;
    assert.equal(svg.match(/&lt;end&gt;/g)?.length, 1);
    assert.match(svg, /<title>a &amp; b<\/title>/);
    assert.match(svg, /animation: play 4s steps\(1, end\) infinite/);
    assert.deepEqual(
      [...svg.matchAll(/([\d.]+)% \{ transform/g)].map(([, percent]) => percent),
      ['0', '25', '75'],
    );
  });

  it('lies in docs/demo.svg with every scene', () => {
    const svg = readPage('docs/demo.svg');
    for (const scene of [1, 2, 3, 4, 5]) assert.ok(svg.includes(`Scene ${scene} of 5`), `scene ${scene}`);
    assert.doesNotMatch(svg, /nsenter|netns exec/);
  });
});
