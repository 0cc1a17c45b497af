/** JSON of objects that hold 64-bit counters: numbers where they are exact, digits in a string where they are not. */

const MAX_EXACT = BigInt(Number.MAX_SAFE_INTEGER);

/**
 * Returns what JSON shows for a member: a bigint up to 2^53 - 1 as a number, beyond that as its digits; others as they
 * are.
 */
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
 * Returns `object`, whose members may be bigints, after making it fit for JSON.stringify(). The method that does so is
 * not enumerable: spreading, structuredClone() and deepEqual see only the members.
 */
export function withJson<T extends object>(object: T): T {
  return Object.defineProperty(object, 'toJSON', TO_JSON);
}
