/** What watches the host. */

export type NativeHostChange = 'link' | 'address' | 'route' | 'rule' | 'proxy' | 'setting';

/** A thread that is told of changes to the network namespace that it was made in; does not keep the process alive. */
export interface NativeHostMonitor {
  /** Twice is fine; the function is not called after. */
  close(): void;
}
