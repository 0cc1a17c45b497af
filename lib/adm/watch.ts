/**
 * `--watch`: a listing again and again, in place on a terminal as watch(1) shows it, one under the other elsewhere. A
 * daemon that is started anew meanwhile is found again.
 */
import { setTimeout } from 'node:timers/promises';
import { ask } from './ask.js';
import { requestBody } from './body.js';
import { type Call, isWatchable } from './call.js';
import { AdmFailure, foreignFailure } from './failure.js';
import { write } from './output.js';
import { Screen } from './screen.js';

const STDOUT = 1;
const STDERR = 2;
/** A listing of a full connection table has less; what goes on is none. */
const MAX_LISTING = 256 * 1024 * 1024;

interface Listing {
  out: string;
  /** Why the listing is not there, or not as a whole. */
  trouble: string;
  exit: number;
}

export async function watch(call: Call, seconds: number): Promise<number> {
  if (!isWatchable(call.argv)) throw new AdmFailure('--watch repeats listings: add it to -L, -S or --sysctl', 2);
  const isJson = call.argv.includes('--json');
  return process.stdout.isTTY && !isJson ? watchInPlace(call, seconds) : watchBelow(call, seconds, isJson);
}

async function watchInPlace(call: Call, seconds: number): Promise<number> {
  let hasShown = false;
  const screen = new Screen(`Every ${seconds}s: ${[call.program, ...call.argv].join(' ')}`);
  try {
    while (!screen.signal.aborted) {
      const { out, trouble, exit } = await list(call, screen.signal);
      // What is refused from the beginning will be refused again; a service that was there may come back.
      if (exit !== 0 && !hasShown) {
        screen.close();
        write(STDERR, trouble);
        return exit;
      }
      hasShown ||= trouble === '';
      screen.show(trouble === '' ? out : `${trouble}\n${out}`);
      await pause(seconds, screen.signal);
    }
  } finally {
    screen.close();
  }
  return 0;
}

/** A trouble that lasts is said once. */
async function watchBelow(call: Call, seconds: number, isJson: boolean): Promise<number> {
  let said = '';
  let hasShown = false;
  for (;;) {
    const { out, trouble, exit } = await list(call);
    if (trouble !== said && trouble !== '') write(STDERR, trouble);
    said = trouble;
    if (exit !== 0 && !hasShown) return exit;
    // No string of JSON holds a line break, so what is left is the document on one line.
    if (isJson && out !== '') write(STDOUT, `${out.trimEnd().replaceAll(/\n\s*/g, '')}\n`);
    if (!isJson && out !== '') write(STDOUT, hasShown ? `\n${out}` : out);
    hasShown ||= out !== '';
    await pause(seconds);
  }
}

/** Never throws for what the daemon does or does not do. */
async function list(call: Call, signal?: AbortSignal): Promise<Listing> {
  const listing: Listing = { out: '', trouble: '', exit: 0 };
  try {
    for await (const piece of ask(call.socket, requestBody(call.argv), signal)) {
      if (listing.out.length + listing.trouble.length > MAX_LISTING) {
        listing.out = '';
        throw foreignFailure(call.socket);
      }
      if ('out' in piece) listing.out += piece.out;
      else if ('err' in piece) listing.trouble += piece.err;
      else listing.exit = piece.exit;
    }
  } catch (error) {
    if (!(error instanceof AdmFailure)) throw error;
    listing.trouble = `${call.program}: ${error.message}\n`;
  }
  return listing;
}

async function pause(seconds: number, signal?: AbortSignal): Promise<void> {
  // An end that comes meanwhile is seen by the caller.
  await setTimeout(seconds * 1000, undefined, signal && { signal }).catch(() => {});
}
