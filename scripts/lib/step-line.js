/** Shows a person that a step takes its time: on a terminal a line that is rewritten, elsewhere a line now and then. */

/** Without a terminal, a step that is over sooner shows only its end. */
const FIRST_MS = 3_000;
const AGAIN_MS = 20_000;

export class StepLine {
  #title;
  #out;
  #said = '';
  #timers = [];

  constructor(title, out = process.stdout) {
    this.#title = title;
    this.#out = out;
    if (out.isTTY) this.#rewrite();
    else this.#timers = [setTimeout(() => this.#tell(), FIRST_MS), setInterval(() => this.#tell(), AGAIN_MS)];
    for (const timer of this.#timers) timer.unref();
  }

  /** Says how far the step has come; undefined means as before. */
  show(said) {
    if (said === undefined || said === this.#said) return;
    this.#said = said;
    if (this.#out.isTTY) this.#rewrite();
  }

  end() {
    for (const timer of this.#timers) clearTimeout(timer);
    if (this.#out.isTTY) this.#out.write('\r\x1b[K');
  }

  #text() {
    return this.#said === '' ? `${this.#title} ...` : `${this.#title}: ${this.#said}`;
  }

  /** Cuts the line where it would wrap, since only one line can be overwritten. */
  #rewrite() {
    this.#out.write(`\r\x1b[K${this.#text().slice(0, (this.#out.columns || 80) - 1)}`);
  }

  #tell() {
    this.#out.write(`${this.#text()}\n`);
  }
}
