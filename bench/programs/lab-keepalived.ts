/** keepalived in a lab, which checks by TCP, and says when it takes a real server out and puts it back. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { LabHost } from '../../lib/lab/lab-host.js';
import type { LabProcess } from '../../lib/lab/lab-process.js';

const STAND_IN = fileURLToPath(new URL('../../../bench/programs/ipvs-stand-in.c', import.meta.url));

export interface KeepalivedOptions {
  virtualAddress: string;
  port: number;
  servers: readonly string[];
  intervalSeconds: number;
  timeoutSeconds: number;
  retries: number;
  retryDelaySeconds: number;
}

export interface LabKeepalived {
  process: LabProcess;
  /** To be removed when the lab is. */
  folder: string;
}

/** Returns keepalived's configuration of one service. */
function configuration(options: KeepalivedOptions): string {
  const check = `TCP_CHECK {
      connect_timeout ${options.timeoutSeconds}
      retry ${options.retries}
      delay_before_retry ${options.retryDelaySeconds}
    }`;
  const servers = options.servers.map((address) => `  real_server ${address} ${options.port} {\n    ${check}\n  }`);
  return `virtual_server ${options.virtualAddress} ${options.port} {
  delay_loop ${options.intervalSeconds}
  lb_algo rr
  lb_kind TUN
  protocol TCP
${servers.join('\n')}
}
`;
}

export function startKeepalived(host: LabHost, options: KeepalivedOptions): LabKeepalived {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-failover-'));
  const library = join(folder, 'ipvs-stand-in.so');
  const compiled = spawnSync('gcc', ['-O1', '-shared', '-fPIC', '-o', library, STAND_IN, '-ldl'], { encoding: 'utf8' });
  if (compiled.status !== 0) throw new Error(`gcc cannot build ${STAND_IN}: ${compiled.stderr}`);
  const file = join(folder, 'keepalived.conf');
  writeFileSync(file, configuration(options));
  const pids = ['-p', join(folder, 'parent.pid'), '-c', join(folder, 'checkers.pid')];
  const words = ['keepalived', '--dont-fork', '--log-console', '--check', '--use-file', file, ...pids];
  return { process: host.spawn(words, { LD_PRELOAD: library }), folder };
}
