/** What the values of IPVS's sysctls mean. */

const DEFENCES: readonly string[] = ['drop_entry', 'drop_packet', 'secure_tcp'];
const AUTOMATIC: readonly number[] = [1, 2];

/** Says whether two values ask for the same: an automatic defence reads 1 or 2, depending on free memory. */
export function isSameSysctl(name: string, value: number | undefined, other: number | undefined): boolean {
  if (value === other) return true;
  if (value === undefined || other === undefined) return false;
  return DEFENCES.includes(name) && AUTOMATIC.includes(value) && AUTOMATIC.includes(other);
}
