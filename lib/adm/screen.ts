/** The terminal while a listing is repeated on it: its other screen, its keys, and how it is left. */
import { printable, writeRaw } from './output.js';

const STDOUT = 1;
const ENTER = '\x1b[?1049h\x1b[?25l';
const LEAVE = '\x1b[?25h\x1b[?1049l';
const HOME = '\x1b[H';
const CLEAR_LINE = '\x1b[K';
const CLEAR_BELOW = '\x1b[J';
const CTRL_C = '\x03';
const CTRL_BACKSLASH = '\x1c';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;

export class Screen {
  readonly #title: string;
  readonly #end = new AbortController();
  #text = '';
  #isOpen = true;

  constructor(title: string) {
    this.#title = printable(title);
    const { stdin, stdout } = process;
    if (stdin.isTTY) {
      // A terminal that goes away brings a SIGHUP.
      stdin.on('error', () => {});
      stdin.setRawMode(true);
      stdin.on('data', (keys) => {
        if (/[qQ]/.test(keys.toString()) || [CTRL_C, CTRL_BACKSLASH].some((key) => keys.includes(key)))
          this.#end.abort();
      });
    }
    for (const name of SIGNALS) process.once(name, () => this.#endBy(name));
    stdout.on('resize', () => this.#draw());
    writeRaw(STDOUT, ENTER);
  }

  /** Aborted when the user wants to end. */
  get signal(): AbortSignal {
    return this.#end.signal;
  }

  show(text: string): void {
    this.#text = printable(text);
    this.#draw();
  }

  /** Puts the terminal back; a second call does nothing. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    if (process.stdin.isTTY) process.stdin.setRawMode(false);
    writeRaw(STDOUT, LEAVE);
  }

  /** The signal ends the process as if nobody had handled it: node aborts at an exit without its terminal. */
  #endBy(name: NodeJS.Signals): void {
    try {
      this.close();
    } catch {
      // The terminal has gone.
    }
    process.kill(process.pid, name);
  }

  #draw(): void {
    if (!this.#isOpen) return;
    const { columns, rows } = process.stdout;
    // A serial line does not know its size.
    writeRaw(STDOUT, HOME + frame(this.#title, this.#text, columns || 80, rows || 24) + CLEAR_BELOW);
  }
}

/** Cuts what does not fit, as watch(1) does. */
export function frame(title: string, text: string, columns: number, rows: number): string {
  return [title, '', ...text.trimEnd().split('\n')]
    .slice(0, rows)
    .map((line) => line.slice(0, columns) + CLEAR_LINE)
    .join('\r\n');
}
