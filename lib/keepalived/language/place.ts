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

  mistake({ file, line }: Place, message: string, mend: string): void {
    if (this.mistakes.length < MOST_NAMED) this.mistakes.push({ path: '', file, line, column: 1, message, mend });
  }

  warning({ file, line }: Place, message: string, mend: string): void {
    if (this.warnings.length < MOST_NAMED) this.warnings.push({ path: '', file, line, column: 1, message, mend });
  }
}

/** Nobody mends more at once. */
const MOST_NAMED = 1000;

/** Text of a file for a sentence; the end of it says little. */
export function shown(text: string): string {
  return text.length > 60 ? `"${text.slice(0, 57)}..."` : `"${text}"`;
}
