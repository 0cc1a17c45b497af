/** Runs other programs: quietly as a step with one line, or with the terminal handed over. */
import { spawn, spawnSync } from 'node:child_process';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { StepLine } from './step-line.js';

/** The checkout's folder. */
export const root = join(dirname(fileURLToPath(import.meta.url)), '..', '..');

/** A failure that one sentence explains; no stack is printed for it. */
export class Failure extends Error {}

/** Runs a script's body; a Failure becomes its sentence and exit code 1. */
export async function main(body) {
  try {
    await body();
  } catch (error) {
    console.error(error instanceof Failure ? error.message : error);
    process.exitCode = 1;
  }
}

/**
 * Runs a program quietly; returns { status, output, isStopped }. Status 127: there is no such program; 124: it was
 * stopped, after `limitMs` or because it said nothing for `silenceMs`.
 */
export function collect(command, args, { limitMs, silenceMs, onOutput, ...options } = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'], detached: true, ...options });
    let output = '';
    let stopped;
    const stopAfter = (ms, why) =>
      ms &&
      setTimeout(() => {
        stopped = why;
        // What has left the group may hold the output open.
        child.once('exit', () => [child.stdout, child.stderr].map((stream) => stream.destroy()));
        killGroup(child);
      }, ms);
    const limit = stopAfter(limitMs, `stopped after ${limitMs / 1000} s\n`);
    const silence = stopAfter(silenceMs, `stopped: it said nothing for ${silenceMs / 1000} s\n`);
    const append = (chunk) => {
      silence?.refresh();
      output += chunk;
      onOutput?.(chunk);
    };
    child.stdout.setEncoding('utf8').on('data', append);
    child.stderr.setEncoding('utf8').on('data', append);
    child.on('error', (error) => finish(127, `${error.message}\n`));
    child.on('close', (status, signal) => {
      if (stopped) finish(124, stopped);
      else finish(status, signal ? `ended by ${signal}\n` : '');
    });
    const stopAll = () => {
      killGroup(child);
      setImmediate(() => process.exit(130)); // behind the other programs that run
    };
    process.once('SIGINT', stopAll).once('SIGTERM', stopAll);

    function finish(status, note) {
      clearTimeout(limit);
      clearTimeout(silence);
      process.off('SIGINT', stopAll).off('SIGTERM', stopAll);
      // A line of its own, also where the program was amid one.
      const gap = note !== '' && /[^\n]$/.test(output) ? '\n' : '';
      resolve({ status: status ?? 1, output: output + gap + note, isStopped: stopped !== undefined });
    }
  });
}

/** The child leads a process group of its own, so that what it started goes with it. */
function killGroup(child) {
  try {
    process.kill(-child.pid, 'SIGKILL');
  } catch {
    // The process is gone already.
  }
}

/**
 * Shows one line while the program runs, and its output only when it fails, then throws a Failure. `progress` receives
 * the output as it comes and says how far the step has come.
 */
export async function step(title, command, args, { progress, ...options } = {}) {
  const startMs = performance.now();
  const line = new StepLine(title);
  const onOutput = progress && ((chunk) => line.show(progress(chunk)));
  const result = await collect(command, args, { ...options, onOutput });
  line.end();
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  if (result.status !== 0) {
    console.log(`${title}: failed (${seconds} s)`);
    throw new Failure(`${[command, ...args].join(' ')}\n${result.output}\n${title} failed; its output is above.`);
  }
  console.log(`${title}: done (${seconds} s)`);
  return result.output;
}

/** Hands the terminal over; returns the exit status. The program answers the terminal's signals. */
export function handOver(command, args, options = {}) {
  return new Promise((resolve) => {
    const child = spawn(command, args, { cwd: root, stdio: 'inherit', ...options });
    const ignore = () => {};
    const passOn = () => child.kill('SIGTERM');
    process.on('SIGINT', ignore).on('SIGTERM', passOn);
    const finish = (status) => {
      process.off('SIGINT', ignore).off('SIGTERM', passOn);
      resolve(status);
    };
    child.on('error', (error) => {
      console.error(error.message);
      finish(127);
    });
    child.on('close', (status) => finish(status ?? 1));
  });
}

/** Says whether a program of that name is in PATH. */
export function hasProgram(name) {
  return spawnSync('sh', ['-c', 'command -v "$1"', 'sh', name], { stdio: 'ignore' }).status === 0;
}

/** Runs jobs (functions returning promises), at most `width` at a time; returns their results in order. */
export async function inParallel(width, jobs) {
  const results = new Array(jobs.length);
  let next = 0;
  const worker = async () => {
    while (next < jobs.length) {
      const index = next++;
      results[index] = await jobs[index]();
    }
  };
  await Promise.all(Array.from({ length: width }, worker));
  return results;
}
