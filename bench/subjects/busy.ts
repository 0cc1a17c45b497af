/** The CPU time of the whole machine. */
import { readFileSync } from 'node:fs';

const NS_PER_TICK = 1e9 / 100; // USER_HZ

/** The CPU time of the machine that was not idle, nanoseconds since it started. */
export function busyNs(): number {
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n', 1)[0]?.trim().split(/\s+/) ?? [];
  const ticks = fields.slice(0, 8).map(Number);
  const [idle = 0, waiting = 0] = ticks.slice(3, 5);
  return (ticks.reduce((sum, each) => sum + each, 0) - idle - waiting) * NS_PER_TICK;
}
