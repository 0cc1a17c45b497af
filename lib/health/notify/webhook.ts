/** News by POST: one after the other, tried again with growing waits, the oldest lost when too many wait. */
import type { Clock } from '../clock.js';
import type { NotifyFailedEvent } from '../events.js';
import type { CheckedWebhook } from './checked.js';
import type { Post } from './post.js';

const LONGEST_WAIT_MS = 60_000;

export class Webhook {
  readonly #options: CheckedWebhook;
  readonly #post: Post;
  readonly #clock: Clock;
  readonly #failed: (event: NotifyFailedEvent) => void;
  readonly #target: string;
  readonly #waiting: string[] = [];
  #working: Promise<void> | undefined;
  #isClosing = false;
  #endWait: (() => void) | undefined;

  constructor(options: CheckedWebhook, post: Post, clock: Clock, failed: (event: NotifyFailedEvent) => void) {
    this.#options = options;
    this.#post = post;
    this.#clock = clock;
    this.#failed = failed;
    const { origin, pathname } = new URL(options.url);
    // A name, password or token in the rest is nobody's business.
    this.#target = origin + pathname;
  }

  send(body: string): void {
    this.#waiting.push(body);
    if (this.#waiting.length > this.#options.queue) {
      this.#waiting.shift();
      this.#tell(`${this.#options.queue} pieces of news wait already`, 1);
    }
    this.#working ??= this.#work();
  }

  /** Resolves when each piece of news that waits has had one attempt, or one of them has failed. */
  async close(): Promise<void> {
    this.#isClosing = true;
    this.#endWait?.();
    await this.#working;
  }

  async #work(): Promise<void> {
    for (let body = this.#waiting.shift(); body !== undefined; body = this.#waiting.shift()) {
      const failure = await this.#deliver(body);
      if (failure === undefined) continue;
      // A receiver that is gone holds up no shutdown for longer than one attempt.
      const lost = this.#isClosing ? 1 + this.#waiting.splice(0).length : 1;
      this.#tell(failure, lost);
    }
    this.#working = undefined;
  }

  /** Returns why it was not delivered. */
  async #deliver(body: string): Promise<string | undefined> {
    const { retries, retryDelayMs } = this.#options;
    for (let attempt = 0; ; attempt += 1) {
      const { failure, isFinal } = await this.#attempt(body);
      if (failure === undefined || isFinal || attempt >= retries || this.#isClosing) return failure;
      await this.#wait(Math.min(LONGEST_WAIT_MS, retryDelayMs * 2 ** attempt));
    }
  }

  async #attempt(body: string): Promise<{ failure?: string; isFinal?: boolean }> {
    try {
      const status = await this.#post(this.#options, body);
      if (status >= 200 && status < 300) return {};
      const isFinal = status >= 400 && status < 500 && status !== 408 && status !== 429;
      return { failure: `status ${status}`, isFinal };
    } catch (error) {
      return { failure: error instanceof Error ? error.message : String(error) };
    }
  }

  #wait(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const stop = this.#clock.after(ms, resolve);
      this.#endWait = () => {
        stop();
        resolve();
      };
    });
  }

  #tell(message: string, lost: number): void {
    this.#failed({ by: 'webhook', target: this.#target, message, lost });
  }
}
