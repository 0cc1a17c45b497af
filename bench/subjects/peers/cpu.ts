/** Reads the CPU time of programs, with what they started, and of threads of the kernel. */
import { readdirSync, readFileSync } from 'node:fs';

/** Returns the time on a CPU, user and system, in ns, of these processes and of all that descend from them. */
export function cpuNs(pids: readonly number[]): number {
  return withDescendants(pids).reduce((sum, pid) => sum + threadsNs(pid), 0);
}

/** What has ended does not count any more; a program that is measured keeps its threads. */
function threadsNs(pid: number): number {
  return namesIn(`/proc/${pid}/task`).reduce(
    (sum, thread) => sum + Number(read(`/proc/${pid}/task/${thread}/schedstat`).split(' ')[0] || 0),
    0,
  );
}

function withDescendants(pids: readonly number[]): number[] {
  const parents = namesIn('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map((name) => [Number(name), parentOf(name)] as const);
  const found = [...pids];
  for (const pid of found) for (const [child, parent] of parents) if (parent === pid) found.push(child);
  return found;
}

/** proc_pid_stat(5): the second field, a name in parentheses, may hold anything; the parent is the fourth. */
function parentOf(pid: string): number {
  const stat = read(`/proc/${pid}/stat`);
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    // The process is gone.
    return '';
  }
}

function namesIn(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    // The process is gone.
    return [];
  }
}
