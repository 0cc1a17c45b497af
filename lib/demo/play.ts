/** Plays the scenes one after the other, with traffic and the operator's wishes in the pauses between. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Outcome, type Scene, scenes } from './scenes.js';
import type { Stage } from './stage.js';

export interface PlayOptions {
  isOnce: boolean;
  requests: number;
  /** Time to look at each scene; 0 for none. */
  paceMs: number;
  /** Ends pauses; what a scene is waiting for fails when the stage is closed. */
  signal: AbortSignal;
}

export interface PlayListener {
  /** Undefined when all have been played. */
  began(scene: Scene | undefined, index: number): void;
  played(title: string, outcome: Outcome): void;
  answered(count: number, failures: readonly string[]): void;
}

const STEADY_REQUESTS = 6;
const STEADY_SLEEP_MS = 60;

export class Play {
  readonly #stage: Stage;
  readonly #options: PlayOptions;
  readonly #listener: PlayListener;
  #tasks: (() => Promise<void>)[] = [];
  #isNextWanted = false;
  #isHeld = false;

  constructor(stage: Stage, options: PlayOptions, listener: PlayListener) {
    this.#stage = stage;
    this.#options = options;
    this.#listener = listener;
  }

  /** Runs it between a scene's checks, which count on things as they left them. The pause then goes on until `next`. */
  ask(task: () => Promise<void>): void {
    this.#isHeld = true;
    this.#tasks.push(task);
  }

  /** Ends the pause that is on. */
  next(): void {
    this.#isHeld = false;
    this.#isNextWanted = true;
  }

  async run(): Promise<void> {
    const { isOnce, signal } = this.#options;
    do {
      for (const [index, scene] of scenes.entries()) {
        await this.#play(scene, index);
        if (signal.aborted) return;
      }
      if (isOnce) return;
      this.#listener.began(undefined, scenes.length);
      await this.#pauseUntil(() => false);
    } while (!signal.aborted);
  }

  async #play(scene: Scene, index: number): Promise<void> {
    const { requests, paceMs, signal } = this.#options;
    this.#listener.began(scene, index);
    if (!scene.isContinued) await this.#stage.restoreAll();
    await this.#pause(paceMs / 2);
    if (signal.aborted) return;
    const outcome = await scene.play(this.#stage, { requests, pause: () => this.#pause(paceMs) });
    // An interrupted scene does not count.
    if (signal.aborted) return;
    this.#listener.played(scene.title, outcome);
    await this.#pause(paceMs);
  }

  async #pause(ms: number): Promise<void> {
    if (ms === 0) return;
    const end = performance.now() + ms;
    await this.#pauseUntil(() => performance.now() >= end);
  }

  async #pauseUntil(isOver: () => boolean): Promise<void> {
    this.#isNextWanted = false;
    while (!this.#isNextWanted && (this.#isHeld || !isOver()) && !this.#options.signal.aborted) {
      for (const task of this.#tasks.splice(0)) await task();
      const result = await this.#stage.fetchMany({ requests: STEADY_REQUESTS, concurrency: 2, timeoutMs: 3_000 });
      this.#listener.answered(result.answered, result.failures);
      await sleep(STEADY_SLEEP_MS);
    }
    this.#isNextWanted = false;
  }
}
