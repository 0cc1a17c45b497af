/** The terminal: the only file that writes control sequences and takes keys. */
import { type Line, cutLine, paint } from './styled-line.js';

export interface TerminalOutput {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
  rows?: number;
  on?(event: 'resize', listener: () => void): unknown;
  off?(event: 'resize', listener: () => void): unknown;
}

export interface TerminalInput {
  isTTY?: boolean;
  setRawMode?(isRaw: boolean): unknown;
  resume(): unknown;
  pause(): unknown;
  on(event: 'data' | 'end' | 'error', listener: (data: Buffer) => void): unknown;
  off(event: 'data' | 'end' | 'error', listener: (data: Buffer) => void): unknown;
}

export interface Size {
  columns: number;
  rows: number;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** NO_COLOR counts when it is not empty (no-color.org). */
export function hasColour(output: TerminalOutput, environment: Environment): boolean {
  return output.isTTY === true && environment.TERM !== 'dumb' && !environment.NO_COLOR;
}

export function canRedraw(output: TerminalOutput, environment: Environment): boolean {
  return output.isTTY === true && environment.TERM !== 'dumb';
}

export function hasUnicode({ LC_ALL, LC_CTYPE, LANG }: Environment): boolean {
  return /utf-?8/i.test(LC_ALL || LC_CTYPE || LANG || '');
}

/** The other screen, no cursor, and brackets around what is pasted. */
const ENTER = '\x1b[?1049h\x1b[?25l\x1b[?2004h';
const LEAVE = '\x1b[?2004l\x1b[?25h\x1b[?1049l';

export class Terminal {
  readonly #output: TerminalOutput;
  readonly #input: TerminalInput;
  readonly #hasColour: boolean;
  readonly #onInput: (data: Buffer) => void;
  readonly #onResize: () => void;
  readonly #onHangUp: () => void;
  readonly #onExit = () => this.close();
  #isOpen = true;

  constructor(
    { output, input, hasColour }: { output: TerminalOutput; input: TerminalInput; hasColour: boolean },
    { onKeys, onResize, onHangUp }: { onKeys: (text: string) => void; onResize: () => void; onHangUp: () => void },
  ) {
    this.#output = output;
    this.#input = input;
    this.#hasColour = hasColour;
    this.#onInput = (data) => onKeys(data.toString());
    this.#onResize = onResize;
    this.#onHangUp = onHangUp;
    process.on('exit', this.#onExit);
    output.write(ENTER);
    output.on?.('resize', this.#onResize);
    if (!this.hasKeys) return;
    input.setRawMode?.(true);
    input.on('data', this.#onInput);
    input.on('end', this.#onHangUp);
    input.on('error', this.#onHangUp);
    input.resume();
  }

  get hasKeys(): boolean {
    return this.#input.isTTY === true;
  }

  get size(): Size {
    return { columns: this.#output.columns || 80, rows: this.#output.rows || 24 };
  }

  /**
   * Writes everything at once, so that nothing flickers. Each row is cleared first: clearing after a full row would
   * take its last column.
   */
  draw(lines: readonly Line[]): void {
    if (!this.#isOpen) return;
    const { columns, rows } = this.size;
    const painted = Array.from({ length: rows }, (_, row) =>
      paint(cutLine(lines[row] ?? [], columns), this.#hasColour),
    );
    this.#output.write(`\x1b[?7l\x1b[H${painted.map((text) => `\x1b[2K${text}`).join('\r\n')}\x1b[?7h`);
  }

  /** Restores the terminal as it was. Calling it twice is fine. */
  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    process.off('exit', this.#onExit);
    this.#output.off?.('resize', this.#onResize);
    if (this.hasKeys) {
      this.#input.off('data', this.#onInput);
      this.#input.off('end', this.#onHangUp);
      this.#input.off('error', this.#onHangUp);
      try {
        this.#input.setRawMode?.(false);
      } catch {
        // The terminal is gone.
      }
      this.#input.pause();
    }
    this.#output.write(LEAVE);
  }
}
