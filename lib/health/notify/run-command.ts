/** Runs a program for a piece of news, in a process group of its own, which ends with its time. */
import { spawn, type SpawnOptions } from 'node:child_process';
import { native } from '../../native/addon.js';
import type { NotifyCommand } from './options.js';

/** Runs the command; resolves with what went wrong, or with undefined. */
export type RunCommand = (command: NotifyCommand, variables: Record<string, string>) => Promise<string | undefined>;

/** The milliseconds between the request to end and the end. */
const KILL_AFTER_MS = 2000;
const USUAL_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';

export const runCommand: RunCommand = ({ command, timeoutMs = 30_000, uid, gid }, variables) =>
  new Promise((resolve) => {
    const [program, ...words] = command;
    const options: SpawnOptions = {
      detached: true,
      stdio: 'ignore',
      // The director's environment may hold secrets, which are not for programs.
      env: { PATH: process.env.PATH ?? USUAL_PATH, ...variables },
      ...(uid !== undefined && { uid }),
      ...(gid !== undefined && { gid }),
    };
    // What a director without root has of capabilities is for the director alone.
    const child = native.withoutAmbientCapabilities(() => spawn(program, words, options));
    let isLate = false;
    let killing: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      isLate = true;
      killGroup(child.pid, 'SIGTERM');
      killing = setTimeout(() => killGroup(child.pid, 'SIGKILL'), KILL_AFTER_MS);
    }, timeoutMs);
    const done = (failure: string | undefined) => {
      clearTimeout(timer);
      // What the program has left behind ends as well.
      if (isLate) killGroup(child.pid, 'SIGKILL');
      clearTimeout(killing);
      resolve(failure);
    };
    child.once('error', (error) => done(error.message));
    child.once('exit', (code, signal) => {
      if (isLate) done(`was ended after ${timeoutMs} ms`);
      else if (code !== 0) done(signal === null ? `exit code ${code}` : `ended by ${signal}`);
      else done(undefined);
    });
  });

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // The group has ended already.
  }
}
