/** What `--version` prints. Programs read the first two words of ipvsadm's line, and its number. */
import { readFileSync } from 'node:fs';

export function version(program: string): string {
  const { version: own } = JSON.parse(readFileSync(new URL('../../../package.json', import.meta.url), 'utf8'));
  if (program === 'tunvsadm') return `tunvsadm ${own}\n`;
  return `ipvsadm v1.31 (tunvs ${own}, IPVS v1.2.1)\n`;
}
