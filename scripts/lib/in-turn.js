import { inParallel } from './run.js';

/**
 * What several programs say at the same time, in order: the first one's output as it comes, each other one's when
 * those before it have ended.
 */
export class InTurn {
  #waiting = [];
  #out;

  constructor(out = process.stdout) {
    this.#out = out;
  }

  /** A place behind those that were opened before. */
  open() {
    const place = { kept: '', hasEnded: false };
    this.#waiting.push(place);
    return {
      write: (text) => {
        place.kept += text;
        this.#show();
      },
      end: () => {
        place.hasEnded = true;
        this.#show();
      },
    };
  }

  #show() {
    while (this.#waiting.length > 0) {
      const [first] = this.#waiting;
      if (first.kept !== '') this.#out.write(first.kept);
      first.kept = '';
      if (!first.hasEnded) return;
      this.#waiting.shift();
    }
  }
}

/** Runs parts, `width` at most at once, each with a write() whose text is shown in their order; returns their results. */
export function inTurn(width, parts) {
  const screen = new InTurn();
  const jobs = parts.map((part) => {
    const { write, end } = screen.open();
    return () => part(write).finally(end);
  });
  return inParallel(width, jobs);
}
