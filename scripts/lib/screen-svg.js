/** Screens with their times as one SVG that plays them: rows that come again are drawn once and used again. */

const CELL = { width: 8.4, height: 17, base: 13 };
const MARGIN = 12;
const COLOURS = { ground: '#161b22', plain: '#d0d7de' };
const CLASSES = { 1: 'b', 2: 'd', 31: 'r', 32: 'g', 33: 'y', 36: 'c', 7: 'i' };
const STYLE = `
text { font: 14px ui-monospace, SFMono-Regular, Menlo, Consolas, 'DejaVu Sans Mono', monospace; white-space: pre }
text { fill: ${COLOURS.plain} } .b { font-weight: bold } .d { fill: #8b949e } .r { fill: #ff7b72 } .g { fill: #56d364 }
.y { fill: #e3b341 } .c { fill: #56d4dd } .i { fill: ${COLOURS.ground} }`;

const escaped = (text) => text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;');
const round = (value) => Number(value.toFixed(2));

/** `frames`: `{ atMs, rows }`, in order; each is shown until the next one is due, the last for `holdMs`. */
export function screensToSvg(frames, { columns, rows, title, holdMs }) {
  const width = round(columns * CELL.width + 2 * MARGIN);
  const height = round(rows * CELL.height + 2 * MARGIN);
  const start = frames[0].atMs;
  const totalMs = frames.at(-1).atMs - start + holdMs;
  const drawn = new Map();
  const shown = frames.map((frame) => frame.rows.map((row) => rowId(drawn, row)));
  const groups = shown.map((ids, index) => {
    const uses = ids.map((id, row) => (id === '' ? '' : `<use href="#${id}" y="${row * CELL.height}"/>`)).join('');
    return `<g transform="translate(0 ${index * height})">${uses}</g>`;
  });
  const stops = frames.map(({ atMs }, index) => {
    const percent = round(((atMs - start) / totalMs) * 100);
    return `${percent}% { transform: translateY(${round(-index * height)}px) }`;
  });
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${escaped(title)}</title>
<style>${STYLE}
@keyframes play { ${stops.join(' ')} to { transform: translateY(${round(-(frames.length - 1) * height)}px) } }
.film { animation: play ${round(totalMs / 1000)}s steps(1, end) infinite }
</style>
<rect width="100%" height="100%" rx="6" fill="${COLOURS.ground}"/>
<defs>
${[...drawn].map(([content, id]) => `<g id="${id}">${content}</g>`).join('\n')}
</defs>
<clipPath id="screen"><rect width="${round(width - 2 * MARGIN)}" height="${round(height - 2 * MARGIN)}"/></clipPath>
<g transform="translate(${MARGIN} ${MARGIN})" clip-path="url(#screen)">
<g class="film">
${groups.join('\n')}
</g>
</g>
</svg>
`;
}

function rowId(drawn, row) {
  if (row.length === 0) return '';
  const content = row.map(drawSpan).join('');
  if (!drawn.has(content)) drawn.set(content, `r${drawn.size}`);
  return drawn.get(content);
}

/** As wide as its cells, whatever font the reader has. */
function drawSpan({ text, code, column }) {
  const x = round(column * CELL.width);
  const width = round([...text].length * CELL.width);
  const style = CLASSES[code] === undefined ? '' : ` class="${CLASSES[code]}"`;
  const ground =
    code === '7' ? `<rect x="${x}" width="${width}" height="${CELL.height}" fill="${COLOURS.plain}"/>` : '';
  return `${ground}<text x="${x}" y="${CELL.base}" textLength="${width}"${style}>${escaped(text)}</text>`;
}
