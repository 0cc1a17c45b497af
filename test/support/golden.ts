/** Recordings of a real IPVS (Linux 6.1, ipvsadm 1.31), in test/golden. */
import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function goldenFolder(): string {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    const golden = join(folder, 'test', 'golden');
    if (existsSync(join(folder, 'package.json')) && existsSync(golden)) return golden;
    if (folder === dirname(folder)) throw new Error('there is no test/golden above this file');
  }
}

export const golden = goldenFolder();

export function readGoldenJson(name: string): unknown {
  return JSON.parse(readFileSync(join(golden, name), 'utf8'));
}

/** One command of ipvsadm's and what came of it. */
export interface GoldenOutput {
  /** After `$ `. */
  command: string;
  /** All lines of output. */
  text: string;
  exitStatus: number;
}

/** `fileName` in test/golden/ipvsadm-output. */
export function readGoldenOutput(fileName: string): GoldenOutput {
  const content = readFileSync(join(golden, 'ipvsadm-output', fileName), 'utf8');
  const match = /^\$ (.*)\n([\s\S]*)\[exit status (\d+)\]\n$/.exec(content);
  if (!match) throw new Error(`${fileName} does not look like "$ command", output, "[exit status N]"`);
  const [, command = '', text = '', exitStatus] = match;
  return { command, text, exitStatus: Number(exitStatus) };
}
