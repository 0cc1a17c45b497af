/** Plays the scenes on a stage and shows the director's table meanwhile. */
import { setTimeout as sleep } from 'node:timers/promises';
import { Screen, type TextOutput } from './screen.js';
import { type Outcome, scenes } from './scenes.js';
import { Stage } from './stage.js';
import { renderTable } from './table.js';

export interface DemoOptions {
  /** Plays the scenes once and ends; otherwise traffic goes on until the signal. */
  isOnce: boolean;
  /** Requests per scene. */
  requests: number;
  /** [2, 9] */
  realServers: number;
  /** A JSON object a line in place of text. */
  isJson: boolean;
  output: TextOutput;
  signal: AbortSignal;
}

/** Whether everything came as it should; an interrupted scene is not waited for and does not count. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const show = options.isJson ? jsonPresenter(options.output) : textPresenter(options.output);
  const stage = await Stage.open(weightsFor(options.realServers));
  let isFine = true;
  const account = (title: string, outcome: Outcome) => {
    isFine &&= outcome.ok;
    show.played(title, outcome);
  };
  try {
    show.opened(stage);
    stage.director.onSample(() => show.sampled(stage));
    const isInterrupted = await untilAborted(play(stage, options, account), options.signal);
    if (options.isOnce && isInterrupted) return false;
    show.ended(isFine);
    return isFine;
  } finally {
    await stage.close();
  }
}

async function play(
  stage: Stage,
  options: DemoOptions,
  account: (title: string, outcome: Outcome) => void,
): Promise<void> {
  for (const { title, play } of scenes) account(title, await play(stage, options.requests));
  while (!options.isOnce) {
    const { failures } = await stage.fetchMany({ requests: Math.min(options.requests, 20), concurrency: 4 });
    if (failures.length > 0)
      account('Requests until Ctrl-C', { text: `${failures.length} not answered (${failures[0]})`, ok: false });
    await sleep(100);
  }
}

/** Waits for `work` or the signal, whichever comes first; true when it was the signal. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<boolean> {
  if (signal.aborted) return true;
  const { promise, stop } = abortOf(signal);
  try {
    return await Promise.race([work.then(() => false), promise]);
  } finally {
    stop();
    // What is still under way fails when the stage is taken away under it.
    work.catch(() => {});
  }
}

function abortOf(signal: AbortSignal): { promise: Promise<true>; stop: () => void } {
  const stopping = new AbortController();
  const promise = new Promise<true>((resolve) =>
    signal.addEventListener('abort', () => resolve(true), { once: true, signal: stopping.signal }),
  );
  return { promise, stop: () => stopping.abort() };
}

/** First the heaviest, as in 3:2:1. */
function weightsFor(realServers: number): number[] {
  return Array.from({ length: realServers }, (_, index) => realServers - index);
}

interface Presenter {
  opened(stage: Stage): void;
  sampled(stage: Stage): void;
  played(title: string, outcome: Outcome): void;
  ended(isFine: boolean): void;
}

function textPresenter(output: TextOutput): Presenter {
  const screen = new Screen(output);
  return {
    opened({ topology, servers }) {
      screen.print(
        `client ${topology.clientAddress} -> VIP ${topology.virtualAddress}, which the router sends to the director ${topology.directorAddress};`,
      );
      screen.print(
        `real servers ${servers.map(({ name, address }) => `${name} ${address}`).join(', ')}, which answer the client through the router.`,
      );
      screen.print(
        `Each is a network namespace; try: ip netns exec ${topology.client.namespace} curl -i http://${topology.virtualAddress}/`,
      );
      screen.print();
    },
    sampled({ director, servers }) {
      screen.update(renderTable(director.sample, new Map(servers.map(({ address, name }) => [address, name]))));
    },
    played(title, { text, ok }) {
      screen.print(`${ok ? 'ok    ' : 'FAILED'} ${title}: ${text}.`);
    },
    ended(isFine) {
      screen.printTable();
      screen.print(
        isFine
          ? 'Every request was answered as it should be.'
          : 'Not everything came as it should: see the lines above.',
      );
    },
  };
}

function jsonPresenter(output: TextOutput): Presenter {
  const print = (value: object) => output.write(`${JSON.stringify(value)}\n`);
  return {
    opened({ topology, servers }) {
      const { clientAddress, directorAddress, virtualAddress } = topology;
      print({
        event: 'opened',
        clientAddress,
        directorAddress,
        virtualAddress,
        realServers: servers.map(({ name, address }) => ({ name, address })),
      });
    },
    sampled: ({ director }) => print({ event: 'stats', services: director.sample.services }),
    played: (title, outcome) => print({ event: 'scene', title, ...outcome }),
    ended: (ok) => print({ event: 'ended', ok }),
  };
}
