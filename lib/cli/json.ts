/** JSON as the commands print it, by the library's rule for 64-bit counters. */
import { jsonMember } from '../values/json.js';

export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, member: unknown) => jsonMember(member), indent);
}
