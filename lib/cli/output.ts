/** What becomes of a command whose output cannot be written: the disk is full, the reader or the terminal is gone. */
import { closeSync, openSync } from 'node:fs';
import { isatty } from 'node:tty';
import type { CliIo } from './verb.js';

/** Takes a sentence that says which stream cannot be written, and why. */
type OnLost = (sentence: string, stream: 'standard output' | 'standard error') => void;

/** Undefined while the command only prints: it ends then. */
let onLost: OnLost | undefined;

/** From now on a lost output does not end the process: it is dropped, and `then` is told, once a stream. */
export function outliveOutput(then: OnLost): void {
  onLost = then;
}

/** Goes on without an output that cannot be written, and says so on the other stream. */
export function dropLostOutput(verb: string, { stdout, stderr }: CliIo): void {
  outliveOutput((sentence, stream) => {
    const other = stream === 'standard output' ? stderr : stdout;
    other.write(`tunvs ${verb}: ${sentence}; the command goes on without it\n`);
  });
}

/** Handles the errors of the process's own streams, from the beginning to the end of the process. */
export function guardOutput({ stdin, stdout, stderr }: CliIo): void {
  // Who reads it handles its errors; a terminal that goes away later concerns nobody.
  stdin.on('error', () => {});
  stdout.on(
    'error',
    once((error) => {
      const sentence = lostSentence('standard output', error);
      if (onLost !== undefined) return onLost(sentence, 'standard output');
      // A reader that closes the pipe early, as in `tunvs replay ... | head`, has seen what it wanted.
      if (error.code === 'EPIPE') process.exit(0);
      stderr.write(`tunvs: ${sentence}\n`);
      process.exit(1);
    }),
  );
  stderr.on(
    'error',
    once((error) => onLost?.(lostSentence('standard error', error), 'standard error')),
  );
  leaveDeadTerminals();
}

function once(handle: (error: NodeJS.ErrnoException) => void): (error: NodeJS.ErrnoException) => void {
  let isHandled = false;
  return (error) => {
    if (!isHandled) handle(error);
    isHandled = true;
  };
}

function lostSentence(stream: string, error: NodeJS.ErrnoException): string {
  return `${stream} cannot be written (${error.code}): ${reason(error)}`;
}

function reason({ code, message }: NodeJS.ErrnoException): string {
  switch (code) {
    case 'ENOSPC':
      return 'the disk is full';
    case 'EPIPE':
      return 'its reader has gone';
    case 'EIO':
      return 'the terminal has gone';
    default:
      return message;
  }
}

/**
 * Node restores the settings of its terminals when it ends, and aborts if one has gone. It passes over a descriptor that
 * has become another file.
 */
function leaveDeadTerminals(): void {
  const terminals = [0, 1, 2].filter((fd) => isatty(fd));
  process.on('exit', () => {
    for (const fd of terminals) {
      if (isatty(fd)) continue;
      closeSync(fd);
      // The lowest free number is given: this one.
      openSync('/dev/null', 'r+');
    }
  });
}
