/** JSON as the commands print it; 64-bit counters follow the library's rule. */
import { jsonMember } from '../values/json.js';

export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, (_, member: unknown) => jsonMember(member), indent);
}
