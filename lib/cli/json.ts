/** JSON of what holds 64-bit counters: numbers where they are exact, digits in a string where they are not. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(
    value,
    (_, member: unknown) => {
      if (typeof member !== 'bigint') return member;
      return member <= Number.MAX_SAFE_INTEGER ? Number(member) : String(member);
    },
    indent,
  );
}
