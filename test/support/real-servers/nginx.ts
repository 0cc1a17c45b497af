/** nginx in a lab: it stores what is sent to it, on a disk of its own that can be full, and says that gRPC serves. */
import { spawnSync } from 'node:child_process';
import { strict as assert } from 'node:assert';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** A file system of these bytes is full soon. */
const DISK_BYTES = 64 * 1024;
const HEALTH = 'grpc.health.v1.Health';
/** A message of five bytes of header and HealthCheckResponse. */
const grpcAnswer = (status: number) => Buffer.from([0, 0, 0, 0, 2, 0x08, status]);
const SERVING = 1;
const NOT_SERVING = 2;

export interface NginxOptions {
  /** What it answers at /name. */
  name: string;
  store: number;
  grpc: number;
}

export class NginxFolder {
  readonly #folder: string;

  /** REQUIRES: the process has a mount namespace of its own. */
  constructor(folder: string, { name, store, grpc }: NginxOptions) {
    this.#folder = folder;
    for (const each of ['disk', join('www', HEALTH)]) mkdirSync(join(folder, each), { recursive: true });
    mount('mount', ['-t', 'tmpfs', '-o', `size=${DISK_BYTES}`, 'none', this.#disk]);
    this.serveGrpc(true);
    const text = `daemon off;
master_process off;
user root;
pid nginx.pid;
error_log stderr crit;
events { worker_connections 64; }
http {
  access_log off;
  client_body_temp_path disk/temp;
  server {
    listen ${store};
    listen [::]:${store};
    location / { root disk; dav_methods PUT; }
    location = /name { return 200 "${name}\\n"; }
  }
  server {
    listen ${grpc} http2;
    listen [::]:${grpc} http2;
    default_type application/grpc;
    # Files are for GET alone, and calls are by POST.
    location / { root www; error_page 405 =200 $uri; add_trailer grpc-status 0; }
  }
}
`;
    writeFileSync(join(folder, 'nginx.conf'), text);
  }

  get command(): string[] {
    return ['nginx', '-p', this.#folder, '-e', 'stderr', '-c', join(this.#folder, 'nginx.conf')];
  }

  get #disk(): string {
    return join(this.#folder, 'disk');
  }

  fillDisk(): void {
    const write = () => writeFileSync(join(this.#disk, 'full'), Buffer.alloc(2 * DISK_BYTES));
    assert.throws(write, { code: 'ENOSPC' });
  }

  emptyDisk(): void {
    rmSync(join(this.#disk, 'full'));
  }

  serveGrpc(isServing: boolean): void {
    writeFileSync(join(this.#folder, 'www', HEALTH, 'Check'), grpcAnswer(isServing ? SERVING : NOT_SERVING));
  }

  unmount(): void {
    mount('umount', ['--lazy', this.#disk]);
  }
}

function mount(command: string, args: string[]): void {
  const { status, stderr } = spawnSync(command, args, { encoding: 'utf8' });
  assert.equal(status, 0, stderr);
}
