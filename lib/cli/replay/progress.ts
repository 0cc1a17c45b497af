/** Shows how far a long replay has come, on one line of a terminal that is overwritten. */
import type { CliIo } from '../verb.js';

const INTERVAL_MS = 500;

export class Progress {
  private shownAtMs: number;
  private isShown = false;

  constructor(
    private readonly stderr: CliIo['stderr'],
    private readonly now: () => number = () => performance.now(),
  ) {
    this.shownAtMs = now();
  }

  update(packets: number, clockMs: number): void {
    if (!this.stderr.isTTY || this.now() - this.shownAtMs < INTERVAL_MS) return;
    this.shownAtMs = this.now();
    this.isShown = true;
    this.stderr.write(`\r\x1b[K${packets} packets, ${(clockMs / 1000).toFixed(1)} s of the capture`);
  }

  clear(): void {
    if (this.isShown) this.stderr.write('\r\x1b[K');
    this.isShown = false;
  }
}
