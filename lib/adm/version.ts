/** What `--version` prints. Programs read the version out of ipvsadm's line, so it is that of 1.31. */
import { readFileSync } from 'node:fs';

export function version(program: string): string {
  if (program !== 'tunvsadm') return IPVSADM;
  const { version: own } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  return `tunvsadm ${own}\n`;
}

const IPVSADM = 'ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n';
