/** The pictures in bench/results: how figures grow with a parameter. Trials say which point of which picture they are. */
import { type LinePicture, drawLines } from './line-picture.js';
import type { SavedTrial } from './results-file.js';
import { type Trial, trials } from './trials.js';

export interface Plot {
  /** The file's name, without its ending. */
  name: string;
  title: string;
  /** What the points lie over. */
  xLabel: string;
  /** The figure that is drawn. */
  figure: string;
  yLabel: string;
}

export const plots: readonly Plot[] = [
  {
    name: 'connections',
    title: 'An established packet, by connections in the table',
    xLabel: 'connections, all of them equally busy or by a Zipf distribution',
    figure: 'nsPerPacket',
    yLabel: 'ns per packet',
  },
  {
    name: 'servers',
    title: 'A new connection, by real servers of the service',
    xLabel: 'real servers',
    figure: 'nsPerConnection',
    yLabel: 'ns per connection',
  },
  {
    name: 'services',
    title: 'One weight is changed, by virtual services of the director',
    xLabel: 'virtual services, each with one real server',
    figure: 'usPerCall',
    yLabel: 'µs per change',
  },
  {
    name: 'queues',
    title: 'Packets through a device, by queues',
    xLabel: 'queues, each with a worker',
    figure: 'directorPacketsPerSecond',
    yLabel: 'packets per second',
  },
];

/** Returns the picture of the results that there are; undefined when there are none. */
export function pictureOf(plot: Plot, results: readonly SavedTrial[], all = trials): LinePicture | undefined {
  const lines = new Map<string, LinePicture['lines'][number]['points'][number][]>();
  for (const { name, point } of all as readonly Trial[]) {
    const summary = results.find((result) => result.name === name)?.figures[plot.figure];
    if (point?.plot !== plot.name || summary === undefined) continue;
    const { median, min, max } = summary;
    lines.set(point.series, [...(lines.get(point.series) ?? []), { x: point.x, median, min, max }]);
  }
  if (lines.size === 0) return undefined;
  const { title, xLabel, yLabel } = plot;
  const sorted = [...lines].map(([name, points]) => ({ name, points: points.sort((a, b) => a.x - b.x) }));
  return { title, xLabel, yLabel, lines: sorted };
}

/** Returns the pictures as files: SVG by name. */
export function drawnPlots(results: readonly SavedTrial[]): Map<string, { plot: Plot; svg: string }> {
  const drawn = new Map<string, { plot: Plot; svg: string }>();
  for (const plot of plots) {
    const picture = pictureOf(plot, results);
    if (picture !== undefined) drawn.set(`${plot.name}.svg`, { plot, svg: drawLines(picture) });
  }
  return drawn;
}
