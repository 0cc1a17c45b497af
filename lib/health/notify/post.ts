/** One POST of JSON. */
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import type { CheckedWebhook } from './checked.js';

/** Resolves with the status of the answer; rejects when there is none in time. */
export type Post = (webhook: CheckedWebhook, body: string) => Promise<number>;

export const post: Post = ({ url, headers, timeoutMs, ca }, body) =>
  new Promise((resolve, reject) => {
    const request = (url.startsWith('https:') ? httpsRequest : httpRequest)(url, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        'user-agent': 'tunvs',
        ...headers,
        'content-length': Buffer.byteLength(body),
      },
      agent: false,
      ...(ca !== undefined && { ca }),
    });
    // The whole exchange has this time, not each of its pieces.
    const timer = setTimeout(() => request.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    request.once('response', (response) => {
      resolve(response.statusCode ?? 0);
      // The body says nothing that is needed.
      response.destroy();
    });
    request.once('error', reject);
    request.once('close', () => {
      clearTimeout(timer);
      reject(new Error('the connection ended before the answer'));
    });
    request.end(body);
  });
