/** Writes a Response to a client, no faster than the client reads, and not for longer than it does. */
import type { ServerResponse } from 'node:http';
import { setImmediate as nextTurn } from 'node:timers/promises';

interface SendOptions {
  isHead: boolean;
  stalledMs: number;
  /** Aborted when the client is gone. */
  gone?: AbortSignal | undefined;
  /** Awaited before what comes after the beginning is read, a piece each time. */
  next?: () => Promise<void>;
  /** The client was cut because it did not read. */
  stalled?: () => void;
  /** Awaited between the last byte and the end, which may close the connection. */
  beforeEnd?: () => Promise<void>;
}

/** True when all is written. False when the client is gone, or was cut. */
export async function sendResponse(
  outgoing: ServerResponse,
  response: Response,
  options: SendOptions,
): Promise<boolean> {
  const { isHead, gone, beforeEnd, next } = options;
  const reader = response.body?.getReader();
  const ended = async (last?: Uint8Array) => {
    if (beforeEnd) {
      if (last === undefined) outgoing.flushHeaders();
      else outgoing.write(last);
      await beforeEnd();
      outgoing.end();
    } else if (last === undefined) outgoing.end();
    else outgoing.end(last);
    return outgoing.writableFinished || (await happened(outgoing, 'finish', options));
  };
  // A read that waits for the application ends too.
  const cancel = () => void reader?.cancel().catch(() => {});
  gone?.addEventListener('abort', cancel);
  try {
    if (gone?.aborted || outgoing.destroyed) return false;
    outgoing.statusCode = response.status;
    // Cookies come one by one from the iterator, and stay so.
    for (const [name, value] of response.headers) outgoing.appendHeader(name, value);
    if (reader === undefined || isHead) return await ended();
    const beginning = reader.read();
    // The head of a stream is not kept back until the stream has something to tell.
    if (!(await isSettled(beginning))) outgoing.flushHeaders();
    const first = await beginning;
    if (first.done) return await ended();
    const reading = reader.read();
    // A short answer has ended here, so that its length is known.
    if ((await isSettled(reading)) && (await reading).done) {
      if (!outgoing.headersSent && !outgoing.hasHeader('content-length'))
        outgoing.setHeader('content-length', first.value.byteLength);
      return await ended(first.value);
    }
    const write = async (chunk: Uint8Array) =>
      !gone?.aborted && !outgoing.destroyed && (outgoing.write(chunk) || (await happened(outgoing, 'drain', options)));
    if (!(await write(first.value))) return false;
    for (let read = await reading; !read.done; read = await reader.read()) {
      if (!(await write(read.value))) return false;
      await next?.();
    }
    return await ended();
  } finally {
    // It releases what the application holds for a client that is gone. After the end it has no effect.
    gone?.removeEventListener('abort', cancel);
    cancel();
  }
}

/** Whether it is there without waiting for what comes from elsewhere. A rejection is the caller's to see. */
async function isSettled(promise: Promise<unknown>): Promise<boolean> {
  let isIt = false;
  const settle = () => {
    isIt = true;
  };
  promise.then(settle, settle);
  await nextTurn();
  return isIt;
}

/** Cuts the client and returns false where it does not happen in time. */
function happened(
  outgoing: ServerResponse,
  event: 'drain' | 'finish',
  { stalledMs, gone, stalled }: SendOptions,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (gone?.aborted || outgoing.destroyed) return resolve(false);
    const settle = (value: boolean) => {
      clearTimeout(timer);
      outgoing.off(event, yes);
      outgoing.off('close', no);
      gone?.removeEventListener('abort', no);
      resolve(value);
    };
    const yes = () => settle(true);
    const no = () => settle(false);
    const timer = setTimeout(() => {
      settle(false);
      outgoing.destroy();
      stalled?.();
    }, stalledMs);
    outgoing.once(event, yes);
    outgoing.once('close', no);
    gone?.addEventListener('abort', no);
  });
}
