/**
 * Runs the demo from beginning to end: builds a stage, plays on it and shows it, and takes it down whatever happens.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { jsonPresenter } from './json-presenter.js';
import { linesPresenter } from './lines-presenter.js';
import { livePresenter } from './live-presenter.js';
import { Play } from './play.js';
import type { Presenter } from './presenter.js';
import { Stage } from './stage.js';
import { canRedraw, hasColour, hasUnicode, type TerminalInput, type TerminalOutput } from './terminal.js';

const SIGNAL_DELAY_MS = 50;

export interface DemoOptions {
  /** Plays the scenes once and ends; otherwise traffic goes on until somebody ends it. */
  isOnce: boolean;
  /** Requests per scene. */
  requests: number;
  /** [2, 9] */
  realServers: number;
  /** Time to look at each scene; 0 for none. */
  paceMs: number;
  /** Prints a JSON object a line in place of text. */
  isJson: boolean;
  output: TerminalOutput;
  input: TerminalInput;
  environment: Readonly<Record<string, string | undefined>>;
  signal: AbortSignal;
  /** Asks for `signal` to be aborted. */
  interrupt(): void;
}

/** Returns whether everything that was played to its end came as it should. */
export async function runDemo(options: DemoOptions): Promise<boolean> {
  const leaving = new AbortController();
  const signal = AbortSignal.any([options.signal, leaving.signal]);
  const presenter = presenterFor(options, () => leaving.abort());
  presenter.opening();
  const stage = await openStage(options.realServers, signal);
  if (stage === undefined) {
    presenter.ended(true, 0);
    return true;
  }
  let isFine = true;
  let scenes = 0;
  const play = new Play(
    stage,
    { ...options, signal },
    {
      began: (scene, index) => presenter.began(scene, index),
      played(title, outcome) {
        isFine &&= outcome.ok;
        scenes += 1;
        presenter.played(title, outcome);
      },
      answered(count, failures) {
        isFine &&= failures.length === 0;
        presenter.answered(count, failures);
      },
    },
  );
  let work: Promise<void> | undefined;
  try {
    presenter.opened(stage, play);
    stage.director.onSample(() => presenter.sampled());
    work = play.run();
    await untilAborted(work, signal);
    presenter.ended(isFine, scenes);
    return isFine;
  } finally {
    presenter.close();
    await stage.close();
    // What was under way has failed because its stage is gone.
    await work?.catch(() => {});
  }
}

/** Returns undefined when it was interrupted. */
async function openStage(realServers: number, signal: AbortSignal): Promise<Stage | undefined> {
  try {
    const stage = await Stage.open(weightsFor(realServers), signal);
    if (!signal.aborted) return stage;
    await stage.close();
  } catch (error) {
    // Ctrl-C may have ended a program that the lab waited for, and may be reported only after that.
    await sleep(SIGNAL_DELAY_MS);
    if (!signal.aborted) throw error;
  }
  return undefined;
}

function presenterFor(options: DemoOptions, onEnd: () => void): Presenter {
  const { output, input, environment, isOnce, paceMs, interrupt } = options;
  if (options.isJson) return jsonPresenter(output);
  const isColoured = hasColour(output, environment);
  const isOverAtOnce = isOnce && paceMs === 0;
  if (isOverAtOnce || !canRedraw(output, environment)) return linesPresenter(output, { hasColour: isColoured, isOnce });
  const theme = { isUnicode: hasUnicode(environment) };
  return livePresenter({ output, input, theme, hasColour: isColoured, onEnd, onInterrupt: interrupt });
}

/** Waits for `work` or the signal, whichever comes first. */
async function untilAborted(work: Promise<void>, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  let stop = () => {};
  const aborted = new Promise<void>((resolve) => {
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    stop = () => signal.removeEventListener('abort', onAbort);
  });
  try {
    await Promise.race([work, aborted]);
  } finally {
    stop();
  }
}

/** Puts the heaviest first, as in 3:2:1. */
function weightsFor(realServers: number): number[] {
  return Array.from({ length: realServers }, (_, index) => realServers - index);
}
