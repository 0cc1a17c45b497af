/** The CPU time that one worker thread has taken since it started. */
export interface WorkerCpu {
  /** The time in user space, in nanoseconds. */
  userNs: bigint;
  /** The time in the kernel, in nanoseconds. */
  systemNs: bigint;
}
