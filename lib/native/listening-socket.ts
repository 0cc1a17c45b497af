/** A listening socket whose clients are taken one by one, and left in the kernel's queue meanwhile. */
export interface NativeListeningSocket {
  /** Calls the function of the constructor once, when somebody waits. */
  watch(): void;
  /**
   * Takes the client that has waited longest. `gone` is the number of those that had left without a word and were
   * closed on the way, at most `most`. The descriptor is the caller's; it is absent when nobody waits, or when `gone` is
   * `most`. Throws when the process has no descriptor left.
   */
  accept(most: number): { descriptor?: number; gone: number } | undefined;
  /** Closes this duplicate of the descriptor. Nothing more is called. */
  close(): void;
}
