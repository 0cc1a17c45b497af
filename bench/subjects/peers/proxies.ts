/** Proxies of TCP: HAProxy and nginx's stream module. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Peer, RunningPeer } from './peer.js';
import { SERVERS, type Stage, WEB_PORT } from './stage.js';
import { untilListening } from './web-server.js';

export interface HaproxyOptions {
  threads: number;
  /** Lets the kernel move the bytes of answers and requests between sockets. */
  isSpliced: boolean;
}

export function haproxyConfig(address: string, { threads, isSpliced }: HaproxyOptions): string {
  return `global
  nbthread ${threads}
  maxconn 2048
defaults
  mode tcp
  timeout connect 5s
  timeout client 30s
  timeout server 30s
${isSpliced ? '  option splice-request\n  option splice-response\n' : ''}frontend web
  bind ${address}:${WEB_PORT}
  default_backend servers
backend servers
  balance roundrobin
${SERVERS.map((server, n) => `  server s${n + 1} ${server}:${WEB_PORT}`).join('\n')}
`;
}

export function haproxy(options: HaproxyOptions): Peer {
  return {
    programs: { haproxy: 'haproxy' },
    versionCommand: ['haproxy', '-v'],
    configuration: `mode tcp, nbthread ${options.threads}, ${options.isSpliced ? 'splice-request and splice-response' : 'no splice'}, balance roundrobin`,
    isProgram: true,
    isPastDirector: false,
    start: (stage, address, folder) => {
      const file = join(folder, 'haproxy.cfg');
      writeFileSync(file, haproxyConfig(address, options));
      return startProxy(stage, address, ['haproxy', '-db', '-f', file]);
    },
  };
}

export interface NginxStreamOptions {
  workers: number;
}

/** Debian's nginx loads the module from a file; others have it built in. */
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so';

export function nginxStreamConfig(address: string, { workers }: NginxStreamOptions): string {
  return `${existsSync(STREAM_MODULE) ? `load_module ${STREAM_MODULE};\n` : ''}daemon off;
user root;
worker_processes ${workers};
pid stream.pid;
error_log stderr crit;
events { worker_connections 8192; }
stream {
  upstream servers {
${SERVERS.map((server) => `    server ${server}:${WEB_PORT};`).join('\n')}
  }
  server {
    listen ${address}:${WEB_PORT} reuseport backlog=4096;
    proxy_pass servers;
    proxy_buffer_size 64k;
  }
}
`;
}

export function nginxStream(options: NginxStreamOptions): Peer {
  return {
    programs: { nginx: 'nginx and libnginx-mod-stream' },
    versionCommand: ['nginx', '-v'],
    configuration: `stream, worker_processes ${options.workers}, listen reuseport, proxy_buffer_size 64k`,
    isProgram: true,
    isPastDirector: false,
    start: (stage, address, folder) => {
      const file = join(folder, 'stream.conf');
      writeFileSync(file, nginxStreamConfig(address, options));
      return startProxy(stage, address, ['nginx', '-p', folder, '-e', 'stderr', '-c', file]);
    },
  };
}

async function startProxy({ director }: Stage, address: string, argv: readonly string[]): Promise<RunningPeer> {
  director.ip([`address add ${address}/32 dev lo`]);
  const child = director.spawn(argv);
  const failed = child.exited.then(({ code }) => {
    throw new Error(`"${argv.join(' ')}" ended early (code ${code})\n${child.stderr}`);
  });
  // It ends with the lab later on, which is no failure.
  failed.catch(() => {});
  await Promise.race([untilListening(director, WEB_PORT, address), failed]);
  return { pids: [child.pid] };
}
