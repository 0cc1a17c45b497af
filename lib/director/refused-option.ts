/** Names the option that the native part refused when a change of services came into force. */

/** The native part knows which scheduler can do what; its sentences do not spell the options. */
const OPTIONS: readonly (readonly [sentence: RegExp, option: string])[] = [
  [/ by NAT: its address is a virtual one,/, 'address'],
  [/; for mid-stream packets take /, 'midStream'],
  [/^a slow start /, 'slowStart'],
  [/ has no use for a stable cursor,/, 'stableCursor'],
  [/ has no use for a random start,/, 'randomStart'],
  [/ slots; it| slots; its sizes are | leave the table size out$|^a table size of /, 'tableSize'],
];

/** Returns undefined for a sentence about something else. */
export function refusedServiceOption(message: string): string | undefined {
  return OPTIONS.find(([sentence]) => sentence.test(message))?.[1];
}
