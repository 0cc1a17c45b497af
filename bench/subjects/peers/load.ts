/** The clients: wrk(1), told by a script what to ask for and how to report. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from '../../../lib/lab/lab-host.js';
import type { Workload } from './workloads.js';

export interface LoadResult {
  requests: number;
  /** What came back, headers included. */
  receivedBytes: number;
  seconds: number;
  p50Us: number;
  p99Us: number;
}

/** Writes the script into `folder`; returns its path. */
export function writeLoadScript(folder: string, { isClosing, headerBytes, bodyBytes }: Workload): string {
  const file = join(folder, 'load.lua');
  const lines = [
    ...(isClosing ? ["wrk.headers['Connection'] = 'close'"] : []),
    ...(headerBytes > 0 ? [`wrk.headers['X-Padding'] = string.rep('x', ${headerBytes})`] : []),
    ...(bodyBytes > 0 ? ["wrk.method = 'POST'", `wrk.body = string.rep('x', ${bodyBytes})`] : []),
    'function done(summary, latency, requests)',
    '  local e = summary.errors',
    "  io.write(string.format('load %d %d %d %d %d %d %d %d %d\\n', summary.requests, summary.bytes, summary.duration,",
    '    latency:percentile(50), latency:percentile(99), e.connect, e.read, e.write, e.status + e.timeout))',
    'end',
  ];
  writeFileSync(file, `${lines.join('\n')}\n`);
  return file;
}

/** Throws when a request failed, because then it is not known what the figures stand for. */
export async function load(
  client: LabHost,
  options: { address: string; workload: Workload; script: string; seconds: number },
): Promise<LoadResult> {
  const { address, workload, script, seconds } = options;
  const url = `http://${address}${workload.requestPath}`;
  const argv = ['wrk', '-t', '1', '-c', `${workload.connections}`, '-d', `${seconds}s`, '--timeout', '10s'];
  const { stdout } = await client.exec([...argv, '-s', script, url], { timeoutMs: (seconds + 15) * 1000 });
  return parseLoad(stdout);
}

export function parseLoad(stdout: string): LoadResult {
  const line = stdout.split('\n').find((each) => each.startsWith('load '));
  if (line === undefined) throw new Error(`wrk did not report:\n${stdout}`);
  const [requests = 0, receivedBytes = 0, us = 0, p50Us = 0, p99Us = 0, ...errors] = line
    .split(' ')
    .slice(1)
    .map(Number);
  const failed = errors.reduce((sum, count) => sum + count, 0);
  if (failed > 0) throw new Error(`${failed} requests failed, so the run does not count:\n${stdout}`);
  if (requests === 0) throw new Error('no request was answered, so the run does not count');
  return { requests, receivedBytes, seconds: us / 1e6, p50Us, p99Us };
}
