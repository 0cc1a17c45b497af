/** Where something stands in keepalived's files, and what is wrong there. */
import type { Mistake } from '../../config/mistake.js';

export interface Place {
  file: string;
  /** From 1. What a definition holds stands where the definition is used. */
  line: number;
}

/** What is said of the files: mistakes, all of them, and what works and was hardly meant. */
export class Said {
  readonly mistakes: Mistake[] = [];
  readonly warnings: Mistake[] = [];
  readonly #once = new Set<string>();
  #repeated = 0;

  /** Throws a NotReadOn at the last mistake that is kept; what is said twice is kept once. */
  mistake({ file, line }: Place, message: string, mend: string): void {
    const mistake = { path: '', file, line, column: 1, message, mend };
    const isNew = this.#isNew(`mistake ${file}:${line}: ${message}`);
    if (isNew) this.mistakes.push(mistake);
    else this.#repeated++;
    if (this.mistakes.length >= MOST_NAMED || this.#repeated >= MOST_REPEATED)
      this.stop({ file, line }, 'there are too many mistakes, and reading ends here', 'mend them, and check again');
  }

  warning({ file, line }: Place, message: string, mend: string): void {
    if (this.warnings.length > MOST_NAMED || !this.#isNew(`warning ${file}:${line}: ${message}`)) return;
    const warning = { path: '', file, line, column: 1, message, mend };
    if (this.warnings.length === MOST_NAMED) {
      warning.message = `more than ${MOST_NAMED} warnings; the others are not named`;
      warning.mend = 'mend these, and check again';
    }
    this.warnings.push(warning);
  }

  /** Says a mistake, and that nothing behind it is looked at. */
  stop({ file, line }: Place, message: string, mend: string): never {
    this.mistakes.push({ path: '', file, line, column: 1, message, mend });
    throw new NotReadOn(message);
  }

  #isNew(text: string): boolean {
    const { size } = this.#once;
    return this.#once.add(text).size > size;
  }
}

/** Ends the reading of a configuration. Why is said before. */
export class NotReadOn extends Error {}

/** Nobody mends more at once. */
export const MOST_NAMED = 1000;
/** A loop says the same mistake at each turn. */
const MOST_REPEATED = 2000;

/** Text of a file for a sentence; the end of it says little. */
export function shown(text: string): string {
  return text.length > 60 ? `"${text.slice(0, 57)}..."` : `"${text}"`;
}
