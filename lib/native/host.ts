/** What watches the host. */

export type NativeHostChange = 'link' | 'address' | 'route' | 'rule' | 'proxy' | 'setting';

/** A thread that hears of changes to the network namespace that it was made in; it does not keep the process alive. */
export interface NativeHostMonitor {
  /** Calling it twice is fine; the function is not called afterwards. */
  close(): void;
}
