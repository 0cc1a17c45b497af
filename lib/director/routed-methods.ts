/** The forwarding methods for whose servers the host is set up, so that a change to them is one of the host's. */

const ROUTED: ReadonlySet<string> = new Set(['local', 'nat']);

/** Says whether the host does something for a real server of this method. */
export function isRoutedMethod(forwarding: string): boolean {
  return ROUTED.has(forwarding);
}

/** Says whether the host stays as it is when a real server's method changes, or another part of the server does. */
export function keepsRoutesOf(before: string, now: string): boolean {
  return before === now || !(isRoutedMethod(before) || isRoutedMethod(now));
}
