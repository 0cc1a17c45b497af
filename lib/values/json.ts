/** JSON of what holds 64-bit counters: numbers where they are exact, digits in a string where they are not. */

const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/** What stands in JSON for a member: a bigint as a number up to 2^53 - 1, as its digits beyond; others as they are. */
export function jsonMember(member: unknown): unknown {
  if (typeof member !== 'bigint') return member;
  return member <= MAX_EXACT && member >= -MAX_EXACT ? Number(member) : String(member);
}

const TO_JSON: PropertyDescriptor = {
  value: function toJSON(this: object): object {
    return Object.fromEntries(Object.entries(this).map(([name, member]) => [name, jsonMember(member)]));
  },
  writable: true,
  configurable: true,
};

/**
 * `object`, which has bigints among its members and which JSON.stringify() takes from now on. What makes it do so is not
 * enumerable: spreading, structuredClone() and deepEqual see the members alone.
 */
export function withJson<T extends object>(object: T): T {
  return Object.defineProperty(object, 'toJSON', TO_JSON);
}
