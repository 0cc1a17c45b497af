/** Looks at the processes of this host, as /proc shows them. */
import { readdirSync, readFileSync } from 'node:fs';

export interface ProcessFiles {
  readonly pid: number;
  /** The words of its command line. */
  readonly words: readonly string[];
  /** Each is `NAME=VALUE`. */
  readonly environment: readonly string[];
  /** As proc_pid_status(5) has it. */
  readonly status: string;
}

/** Returns the processes that are there and may be looked at. */
export function processes(): ProcessFiles[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => {
      const read = (file: string) => readFileSync(`/proc/${name}/${file}`, 'utf8');
      try {
        const [words, environment] = ['cmdline', 'environ'].map((file) => read(file).split('\0').filter(Boolean));
        return [{ pid: Number(name), words: words ?? [], environment: environment ?? [], status: read('status') }];
      } catch {
        // It has ended meanwhile, or is another user's.
        return [];
      }
    });
}
