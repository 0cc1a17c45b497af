/**
 * Draws lines of figures over a parameter as an SVG, readable on light and dark ground: the median as a line, the range
 * of the runs as bars, the parameter on a logarithmic axis, and the figure on one that begins at 0.
 *
 * Thread safety: pure functions. Invariants: the picture depends on nothing but its input.
 */

export interface LinePoint {
  x: number;
  median: number;
  min: number;
  max: number;
}

export interface Line {
  name: string;
  /** At least one, sorted by x > 0. */
  points: readonly LinePoint[];
}

export interface LinePicture {
  title: string;
  xLabel: string;
  yLabel: string;
  /** At least one. */
  lines: readonly Line[];
}

const SIZE = { width: 640, height: 360 };
const FRAME = { left: 70, right: 620, top: 70, bottom: 305 };
const STYLE = `text { font: 12px system-ui, sans-serif; fill: #57606a } .title { font-size: 15px; fill: #1f2328 }
.grid { stroke: #d0d7de } path { fill: none; stroke-width: 2 }
.s0 { stroke: #0969da; fill: #0969da } .s1 { stroke: #bc4c00; fill: #bc4c00 } .s2 { stroke: #1a7f37; fill: #1a7f37 }
.s3 { stroke: #8250df; fill: #8250df } path[class] { fill: none }
@media (prefers-color-scheme: dark) {
text { fill: #9198a1 } .title { fill: #f0f6fc } .grid { stroke: #3d444d }
.s0 { stroke: #4493f8; fill: #4493f8 } .s1 { stroke: #f0883e; fill: #f0883e } .s2 { stroke: #3fb950; fill: #3fb950 }
.s3 { stroke: #ab7df8; fill: #ab7df8 } path[class] { fill: none }
}`;
const COLOURS = 4;
const STEPS = 5;

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
const round = (value: number) => Number(value.toFixed(1));

/** Writes 65536 as 64 k and 8388608 as 8 M where that says the same. */
export function shortNumber(value: number): string {
  for (const [unit, factor] of [
    ['M', 2 ** 20],
    ['k', 2 ** 10],
    ['M', 1e6],
    ['k', 1e3],
  ] as const)
    if (value >= factor && value % factor === 0) return `${value / factor} ${unit}`;
  return `${Number(value.toPrecision(3))}`;
}

/** Returns the least of 1, 2 and 5 times a power of ten that is at least `value`. */
export function roundStep(value: number): number {
  const power = 10 ** Math.floor(Math.log10(value));
  return ([1, 2, 5].find((factor) => factor * power >= value * (1 - 1e-9)) ?? 10) * power;
}

/** Places values on an axis; one value alone stands in the middle. */
function xScale(values: readonly number[]): (x: number) => number {
  const [from, to] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))];
  const share = (x: number) => (to === from ? 0.5 : (Math.log(x) - from) / (to - from));
  return (x) => round(FRAME.left + 20 + share(x) * (FRAME.right - FRAME.left - 40));
}

export function drawLines({ title, xLabel, yLabel, lines }: LinePicture): string {
  const points = lines.flatMap((line) => line.points);
  const xs = [...new Set(points.map(({ x }) => x))].sort((a, b) => a - b);
  const most = Math.max(...points.map(({ max }) => max));
  const step = roundStep((most > 0 ? most : 1) / STEPS);
  const steps = Math.max(1, Math.ceil(most / step - 1e-9));
  const atX = xScale(xs);
  const atY = (y: number) => round(FRAME.bottom - (y / (step * steps)) * (FRAME.bottom - FRAME.top));
  const levels = Array.from({ length: steps + 1 }, (_, index) => index * step).map(
    (level) =>
      `<line class="grid" x1="${FRAME.left}" x2="${FRAME.right}" y1="${atY(level)}" y2="${atY(level)}"/>` +
      `<text x="${FRAME.left - 8}" y="${atY(level) + 4}" text-anchor="end">${Number(level.toPrecision(6))}</text>`,
  );
  const names = xs.map(
    (x) => `<text x="${atX(x)}" y="${FRAME.bottom + 18}" text-anchor="middle">${shortNumber(x)}</text>`,
  );
  const drawn = lines.map((line, index) => drawLine(line, index % COLOURS, atX, atY));
  const { width, height } = SIZE;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" width="${width}" height="${height}">
<title>${escaped(title)}</title>
<style>${STYLE}</style>
<text class="title" x="${FRAME.left}" y="22">${escaped(title)}</text>
${levels.join('\n')}
${names.join('\n')}
${drawn.join('\n')}
${legend(lines)}
<text x="${(FRAME.left + FRAME.right) / 2}" y="${FRAME.bottom + 42}" text-anchor="middle">${escaped(xLabel)}</text>
<text transform="translate(16 ${(FRAME.top + FRAME.bottom) / 2}) rotate(-90)" text-anchor="middle">${escaped(yLabel)}</text>
</svg>
`;
}

function drawLine({ points }: Line, colour: number, atX: (x: number) => number, atY: (y: number) => number): string {
  const way = points.map(({ x, median }, index) => `${index === 0 ? 'M' : 'L'}${atX(x)} ${atY(median)}`).join('');
  const marks = points.map(
    ({ x, median, min, max }) =>
      `<line class="s${colour}" x1="${atX(x)}" x2="${atX(x)}" y1="${atY(min)}" y2="${atY(max)}"/>` +
      `<circle class="s${colour}" cx="${atX(x)}" cy="${atY(median)}" r="3"/>`,
  );
  return `<path class="s${colour}" d="${way}"/>${marks.join('')}`;
}

function legend(lines: readonly Line[]): string {
  const wide = (FRAME.right - FRAME.left) / Math.max(lines.length, 2);
  return lines
    .map(({ name }, index) => {
      const x = round(FRAME.left + index * wide);
      return `<circle class="s${index % COLOURS}" cx="${x + 4}" cy="44" r="4"/><text x="${x + 14}" y="48">${escaped(name)}</text>`;
    })
    .join('\n');
}
