/** The real servers' web server: nginx, one worker, at every address of the host. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { LabHost } from '../../../lib/lab/lab-host.js';
import { answers } from './workloads.js';

/** Reads and forgets what is sent to it, and keeps connections open. */
export function webServerConfig(port: number): string {
  const named = Object.keys(answers).map((path) => `    location = ${path} { error_page 405 =200 ${path}; }`);
  return `daemon off;
user root;
worker_processes 1;
pid web.pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  sendfile on;
  tcp_nopush on;
  keepalive_requests 100000000;
  client_max_body_size 0;
  client_body_temp_path temp;
  server {
    listen ${port} backlog=4096;
    root www;
${named.join('\n')}
  }
}
`;
}

export async function startWebServer(host: LabHost, folder: string, port: number): Promise<void> {
  const file = join(folder, 'web.conf');
  writeFileSync(file, webServerConfig(port));
  for (const [path, bytes] of Object.entries(answers))
    writeFileSync(join(folder, 'www', path), Buffer.alloc(bytes, 'x'));
  host.spawn(['nginx', '-p', folder, '-e', 'stderr', '-c', file]);
  await untilListening(host, port);
}

const POLLS = 100;
const POLL_MS = 50;

/** Resolves once something listens at `address:port`. */
export async function untilListening(host: LabHost, port: number, address = '0.0.0.0'): Promise<void> {
  for (let poll = 0; poll < POLLS; poll++) {
    const { stdout } = await host.exec(['ss', '-Htln', 'src', `${address}:${port}`]);
    if (stdout.trim() !== '') return;
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
  throw new Error(`${host.name}: nothing listens at ${address}:${port} after ${(POLLS * POLL_MS) / 1000} s`);
}
