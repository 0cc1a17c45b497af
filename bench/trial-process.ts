/** Runs a trial in a fresh process of its own, of this tree or of another one that is built. */
import { fork } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { TrialNotes, TrialRequest } from './run-trial.js';
import type { Figures } from './subject.js';

/** This tree. */
export const HERE = fileURLToPath(new URL('../..', import.meta.url));

export interface TrialRuns {
  notes: readonly string[];
  runs: Figures[];
}

export interface TrialProcessOptions {
  /** The tree whose built benchmark runs. */
  tree?: string;
  /** Learns how many runs are done. */
  progress?: (done: number) => void;
}

/** Rejects when the trial's process fails or ends before its runs. */
export function runTrial(request: TrialRequest, options: TrialProcessOptions = {}): Promise<TrialRuns> {
  const { tree = HERE, progress } = options;
  const child = fork(join(tree, 'dist', 'bench', 'run-trial.js'), [JSON.stringify(request)], { cwd: tree });
  const runs: Figures[] = [];
  let notes: readonly string[] = [];
  child.on('message', (message: Figures | TrialNotes) => {
    if (Array.isArray(message.notes)) {
      notes = message.notes;
      return;
    }
    runs.push(message as Figures);
    progress?.(runs.length);
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    let waited = 2;
    // What the process has sent may arrive after its end is known; the channel's end comes after that.
    const over = () => {
      waited -= 1;
      if (waited > 0) return;
      const { exitCode: code, signalCode: signal } = child;
      if (code === 0 && runs.length === request.runs) resolve({ notes, runs });
      else
        reject(
          new Error(
            `trial "${request.name}" ended after ${runs.length} of ${request.runs} runs (code ${code}, signal ${signal})`,
          ),
        );
    };
    child.once('close', over).once('disconnect', over);
  });
}
