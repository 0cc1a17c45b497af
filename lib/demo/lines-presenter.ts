/** Shows the demo as lines: into a pipe, on a terminal that cannot redraw, or when it should be over at once. */
import { joinHint, Model } from './model.js';
import type { Presenter } from './presenter.js';
import { serverTable } from './server-table.js';
import type { Stage } from './stage.js';
import { type Line, line, paint, span } from './styled-line.js';
import type { PlayedScene } from './state.js';

export interface LinesOptions {
  hasColour: boolean;
  isOnce: boolean;
}

const TABLE_COLUMNS = 100;

export function linesPresenter(
  output: { write(text: string): unknown },
  { hasColour, isOnce }: LinesOptions,
): Presenter {
  let model: Model | undefined;
  const print = (...lines: Line[]) =>
    output.write(lines.map((each) => `${paint(each, hasColour).trimEnd()}\n`).join(''));
  return {
    opening() {
      print(line('Building a lab of network namespaces ...'));
    },
    opened(stage: Stage) {
      model = new Model(stage, false);
      const { topology, servers } = stage;
      print(
        line(`client ${topology.clientAddress} asks the VIP ${topology.virtualAddress}, which the router sends to the`),
        line(`director ${topology.directorAddress}; the real servers answer the client through the router:`),
        ...servers.map(({ name, address, weight }) => line(`  ${name} ${address}, weight ${weight}`)),
        line(`Another terminal can join in: ${joinHint(stage)}`),
        ...(isOnce ? [] : [line('Ctrl-C ends it.')]),
        [],
      );
    },
    sampled: () => model?.sampled(),
    began(scene) {
      if (scene === undefined) print(line('All scenes have been played; traffic goes on until Ctrl-C.'));
    },
    played: (title, outcome) => print(playedLine({ title, ...outcome })),
    answered(_count, failures) {
      if (failures.length > 0)
        print(line(span('FAILED', 'bad'), ` ${failures.length} requests were not answered (${failures[0]}).`));
    },
    ended(isFine, scenes) {
      if (model !== undefined) print([], ...serverTable(model.state(), TABLE_COLUMNS, false), []);
      print(line(verdict(isFine, scenes)));
    },
    close() {},
  };
}

export function playedLine({ title, text, ok }: PlayedScene): Line {
  return line(span(ok ? 'ok    ' : 'FAILED', ok ? 'good' : 'bad'), ` ${title}: ${text}.`);
}

export function verdict(isFine: boolean, scenes: number): string {
  if (!isFine) return 'Not everything came as it should: see the lines above.';
  return scenes > 0 ? 'Every request was answered as it should be.' : 'Ended before the first scene was over.';
}
