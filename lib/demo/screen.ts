/** Where the demo writes: lines that stay, and below them, on a terminal, a table that is redrawn in place. */

export interface TextOutput {
  write(text: string): unknown;
  isTTY?: boolean;
}

export class Screen {
  readonly #output: TextOutput;
  #table: readonly string[] = [];
  #drawnLines = 0;

  constructor(output: TextOutput) {
    this.#output = output;
  }

  /** A line that stays. */
  print(line = ''): void {
    this.#erase();
    this.#output.write(`${line}\n`);
    this.#draw();
  }

  /** The table as it is now; elsewhere than on a terminal it is kept for `printTable`. */
  update(table: readonly string[]): void {
    this.#erase();
    this.#table = table;
    this.#draw();
  }

  /** Leaves the table as it is now among the lines that stay. */
  printTable(): void {
    this.#erase();
    for (const line of this.#table) this.#output.write(`${line}\n`);
    if (this.#output.isTTY) this.#table = [];
  }

  #erase(): void {
    if (this.#drawnLines > 0) this.#output.write(`\x1b[${this.#drawnLines}A\x1b[0J`);
    this.#drawnLines = 0;
  }

  #draw(): void {
    if (!this.#output.isTTY) return;
    for (const line of this.#table) this.#output.write(`${line}\n`);
    this.#drawnLines = this.#table.length;
  }
}
