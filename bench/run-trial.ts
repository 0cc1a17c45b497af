/** Runs one trial in this process, which benchmark.ts starts for it, and sends its parent the figures of each run. */
import { type SubjectName, subjects } from './subjects/index.js';
import type { OpenSubject, Subject } from './subject.js';
import { trials } from './trials.js';

/** The parent passes this in JSON. */
export interface TrialRequest {
  /** The name of one of `trials`. */
  name: string;
  runs: number;
  isQuick: boolean;
}

/** Comes before the figures, if at all. */
export interface TrialNotes {
  notes: readonly string[];
}

async function open({ name, isQuick }: TrialRequest): Promise<Subject> {
  const trial = trials.find((each) => each.name === name);
  if (!trial) throw new Error(`there is no trial "${name}"`);
  const openSubject = subjects[trial.subject as SubjectName] as OpenSubject<unknown>;
  return openSubject(trial.options, { isQuick });
}

async function main(): Promise<void> {
  // What a subject has made is removed when the process exits, which a signal alone does not do.
  for (const [signal, code] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)
    process.once(signal, () => process.exit(code));
  const request = JSON.parse(process.argv[2] ?? '{}') as TrialRequest;
  const subject = await open(request);
  try {
    if (subject.notes) process.send?.({ notes: subject.notes } satisfies TrialNotes);
    await subject.run(-1);
    for (let index = 0; index < request.runs; index++) process.send?.(await subject.run(index));
  } finally {
    await subject.close();
  }
  process.disconnect?.();
}

await main();
