/** Carries the engine's events: the engine must be given its listener before the director exists. */
import type { NativeEvent } from '../native/engine.js';

export class EventRelay {
  readonly #early: NativeEvent[] = [];
  #listener = (events: NativeEvent[]): void => {
    this.#early.push(...events);
  };

  /** The engine calls this. */
  readonly receive = (events: NativeEvent[]): void => this.#listener(events);

  /** Passes earlier events on in the next turn of the event loop, when the director's owner can listen. */
  forward(listener: (events: NativeEvent[]) => void): void {
    this.#listener = listener;
    if (this.#early.length > 0) setImmediate(() => listener(this.#early.splice(0)));
  }
}
