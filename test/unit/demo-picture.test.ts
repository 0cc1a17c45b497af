import { strict as assert } from 'node:assert';
import { drawPicture } from '../../lib/demo/picture.js';
import { scenes } from '../../lib/demo/scenes.js';
import { bar, history } from '../../lib/demo/server-table.js';
import type { DemoState } from '../../lib/demo/state.js';
import { columnsOf } from '../../lib/demo/styled-line.js';

const server = (index: number, weight: number, isRunning = true) => ({
  name: `rs${index}`,
  address: `10.3.0.1${index}`,
  weight,
  isRunning,
  activeConnections: 4,
  inactiveConnections: 250,
  connections: 1234,
  packets: 5678,
  connectionsPerSecond: weight * 10,
  packetsPerSecond: weight * 50,
});

const STATE: DemoState = {
  clientAddress: '10.1.0.2',
  virtualAddress: '10.9.9.9',
  directorAddress: '10.2.0.2',
  scheduler: 'wrr',
  servers: [server(1, 3), server(2, 0), server(3, 0, false)],
  selected: 1,
  scene: { number: 2, count: 5, title: 'Kept-alive connections', watch: 'Each stays where it is. '.repeat(4).trim() },
  played: ['First', 'Second', 'Third'].map((title) => ({
    title,
    text: 'a sentence of some length '.repeat(5),
    ok: true,
  })),
  answered: 100,
  failed: 0,
  history: [1, 5, 30],
  hint: 'nsenter -n -t 123 curl -i http://10.9.9.9/',
  message: 'rs2 is drained.',
  hasKeys: true,
};

const draw = (columns: number, rows: number, change: Partial<DemoState> = {}, isUnicode = true) =>
  drawPicture({ ...STATE, ...change }, { columns, rows }, { isUnicode }).map((line) =>
    line.map(({ text }) => text).join(''),
  );

const WIDE = '負荷分散の実演です🙂';

describe('the demo picture', () => {
  for (const [columns, rows] of [
    [80, 24],
    [120, 40],
    [40, 10],
    [20, 5],
    [10, 2],
    [300, 100],
  ] as const) {
    it(`fills ${columns}x${rows} and no more, wide text included`, () => {
      const wide = {
        message: WIDE.repeat(10),
        played: [{ title: WIDE, text: WIDE.repeat(20), ok: false }],
        scene: { number: 1, count: 1, title: WIDE.repeat(9), watch: WIDE.repeat(9) },
      };
      for (const lines of [draw(columns, rows), draw(columns, rows, wide), draw(columns, rows, { scene: undefined })]) {
        assert.equal(lines.length, rows);
        for (const line of lines) assert.ok(columnsOf(line) <= columns, line);
      }
    });
  }

  it('shows the scene, all servers, what was played, the hint and how to end it at 80x24', () => {
    const text = draw(80, 24).join('\n');
    assert.match(text, /Scene 2 of 5: Kept-alive connections/);
    assert.match(text, /^ 1 {2}rs1 +10\.3\.0\.11 +serving +3 +4 +30 █+/m);
    assert.match(text, /^▸2 {2}rs2 +10\.3\.0\.12 +drained +0 +4 +0 *$/m);
    assert.match(text, /^ 3 {2}rs3 +10\.3\.0\.13 +stopped/m);
    assert.match(text, /ok {4} Third: a sentence/);
    assert.match(text, /nsenter -n -t 123 curl/);
    assert.match(text, /q or Ctrl-C ends it/);
  });

  it('uses the room of 120x40 for more columns and the way of packets', () => {
    const text = draw(120, 40).join('\n');
    assert.match(text, /inactive +total packets\/s/);
    assert.match(text, /replies do not pass the director/);
    for (const title of ['First', 'Second', 'Third']) assert.ok(text.includes(`ok     ${title}`));
  });

  it('shows all that there is to watch, with the table in one place, where there is room', () => {
    for (const [columns, rows] of [
      [60, 30],
      [80, 24],
      [100, 30],
      [120, 40],
      [130, 40],
    ] as const) {
      const places = new Set<number>();
      for (const [index, { title, watch }] of scenes.entries()) {
        const lines = draw(columns, rows, { scene: { number: index + 1, count: scenes.length, title, watch } });
        const said = lines.map((line) => line.trim()).join(' ');
        assert.ok(said.includes(watch), `${columns}x${rows}: ${lines.join('\n')}`);
        places.add(lines.findIndex((line) => line.includes('address')));
      }
      if (columns >= 80) assert.equal(places.size, 1, `${columns}x${rows}`);
    }
  });

  it('keeps the servers, the scene and the keys at 40x10', () => {
    const text = draw(40, 10).join('\n');
    for (const word of ['Scene 2 of 5', 'rs1', 'rs2', 'rs3', 'q end']) assert.ok(text.includes(word), word);
  });

  it('promises no keys where there are none', () => {
    const lines = draw(80, 24, { hasKeys: false });
    assert.match(lines.at(-1) ?? '', /^ Ctrl-C ends it/);
    assert.ok(!lines.join('\n').includes('▸'));
  });

  it('is of ASCII alone without Unicode', () => {
    for (const line of draw(120, 40, {}, false)) assert.match(line, /^[ -~]*$/);
  });

  it('has bars by eighths of a column', () => {
    assert.equal(bar(0.5, 10, true), '█████');
    assert.equal(bar(0.55, 10, true), '█████▌');
    assert.equal(bar(2, 3, true), '███');
    assert.equal(bar(0, 10, true), '');
    assert.equal(bar(0.001, 10, false), '#');
  });

  it('shows the newest of the history at the right', () => {
    assert.equal(history([9, 0, 0, 8], 3, true), '▁▁█');
    assert.equal(history([8], 3, false), '  #');
  });
});
