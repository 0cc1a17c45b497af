/** Runs tunvsadm as a process of its own, under any of its names. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';

export const ADM = fileURLToPath(new URL('../../lib/adm/main.js', import.meta.url));

export interface AdmResult {
  stdout: string;
  stderr: string;
  status: number | null;
}

export interface AdmOptions {
  name?: string;
  socket?: string;
  stdin?: string;
}

/** Makes a folder with the program's names in it, for $PATH; the caller removes it. */
export function admFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tunvs-adm-names-'));
  for (const name of ['tunvsadm', 'ipvsadm', 'ipvsadm-save', 'ipvsadm-restore']) symlinkSync(ADM, join(folder, name));
  return folder;
}

export function startAdm(folder: string, args: readonly string[], { name = 'tunvsadm', socket }: AdmOptions = {}) {
  const env = { ...process.env, ...(socket !== undefined && { TUNVS_SOCKET: socket }) };
  return spawn(process.execPath, [join(folder, name), ...args], { env });
}

export async function adm(folder: string, args: readonly string[], options: AdmOptions = {}): Promise<AdmResult> {
  const child = startAdm(folder, args, options);
  child.stdin.on('error', () => {}).end(options.stdin ?? '');
  return finished(child);
}

export async function finished(child: ChildProcess): Promise<AdmResult> {
  const outputs = [child.stdout, child.stderr].map((stream) => (stream ? text(stream) : ''));
  const [stdout = '', stderr = '', [status]] = await Promise.all([...outputs, once(child, 'close')] as const);
  return { stdout: stdout as string, stderr: stderr as string, status };
}
