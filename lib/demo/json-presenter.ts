/** Shows the demo as a JSON object a line. */
import type { Presenter } from './presenter.js';
import type { Stage } from './stage.js';

export function jsonPresenter(output: { write(text: string): unknown }): Presenter {
  let stage: Stage | undefined;
  const print = (value: object) => output.write(`${JSON.stringify(value)}\n`);
  return {
    opening() {},
    opened(opened) {
      stage = opened;
      const { clientAddress, directorAddress, virtualAddress } = stage.topology;
      print({
        event: 'opened',
        clientAddress,
        directorAddress,
        virtualAddress,
        realServers: stage.servers.map(({ name, address }) => ({ name, address })),
      });
    },
    sampled() {
      print({ event: 'stats', services: stage?.director.sample.services ?? [] });
    },
    began() {},
    played: (title, outcome) => print({ event: 'scene', title, ...outcome }),
    answered(_count, failures) {
      if (failures.length > 0) print({ event: 'failures', failures });
    },
    ended: (ok, scenes) => print({ event: 'ended', ok, scenes }),
    close() {},
  };
}
