/**
 * Asks the kernel which way packets to the sources of full NAT take. It costs the same however many routes the host has,
 * and it is how routes are seen that others make while the director is open.
 */
import { execFile } from 'node:child_process';
import { isRange, isWithin, splitPrefix } from '../values/prefix.js';
import { COMMAND_TIMEOUT_MS } from './command-failure.js';
import { asPrefix, familyOf } from './family.js';
import { printedPrefix } from './main-routes.js';
import { routedElsewhere } from './source-conflicts.js';
import { addressesIn, isLarge } from './subnet.js';

interface Way {
  type?: string;
  dst: string;
  gateway?: string;
  dev?: string;
  metric?: number;
}

/** Returns a sentence for each route within the sources that leads to another device. */
export async function strayedSources(
  device: string,
  sources: readonly string[],
  signal: AbortSignal,
): Promise<string[]> {
  const asked = sources.flatMap((source) => usedOf(source).map((address) => ({ source, address })));
  const of = (family: 4 | 6) => asked.filter(({ address }) => familyOf(address) === family);
  const said = await Promise.all(
    ([4, 6] as const).map(async (family) => {
      const mine = of(family);
      const ways =
        mine.length === 0
          ? []
          : await waysOf(
              family,
              mine.map(({ address }) => address),
              signal,
            );
      return mine.flatMap(({ source }, index) => strayed(ways[index], device, source) ?? []);
    }),
  );
  return [...new Set(said.flat())];
}

/** The first address of an IPv6 range is not used. Ranges have at most 256 addresses. */
function usedOf(source: string): string[] {
  if (!isRange(source)) return [source];
  if (isLarge(source)) return [];
  return addressesIn(source).slice(familyOf(source) === 4 ? 0 : 1);
}

/** A route that is wider than the source is not in its way: the director's own is missing, and is put back. */
function strayed(way: Way | undefined, device: string, source: string): string | undefined {
  // The host's own addresses and those of subnets are told from a snapshot.
  if (way === undefined || way.type !== undefined || way.dev === device || way.dst === 'default') return undefined;
  const to = printedPrefix(way.dst);
  if (!isWithin(to, source) || Number(splitPrefix(to).length) < Number(splitPrefix(asPrefix(source)).length))
    return undefined;
  const { gateway, dev, metric } = way;
  const words = [to, ...pair('via', gateway), ...pair('dev', dev), ...pair('metric', metric)];
  return routedElsewhere(to, source, words.join(' '));
}

function pair(key: string, value: string | number | undefined): string[] {
  return value === undefined ? [] : [key, `${value}`];
}

/** Returns the route that each address takes; undefined where there is none. Nothing is known when ip(8) fails. */
function waysOf(family: 4 | 6, addresses: readonly string[], signal: AbortSignal): Promise<(Way | undefined)[]> {
  const argv = ['-j', `-${family}`, '-force', '-batch', '-'];
  return new Promise((resolve) => {
    const options = { signal, timeout: COMMAND_TIMEOUT_MS, encoding: 'utf8' } as const;
    const child = execFile('ip', argv, options, (_, stdout, stderr) => resolve(answersTo(addresses, stdout, stderr)));
    child.stdin?.on('error', () => {});
    child.stdin?.end(addresses.map((address) => `route get fibmatch ${address}\n`).join(''));
  });
}

/** A question that fails prints nothing; the errors name its line. Exported for tests. */
export function answersTo(addresses: readonly string[], stdout: string, stderr: string): (Way | undefined)[] {
  const failed = new Set([...stderr.matchAll(/^Command failed -:(\d+)/gm)].map(([, line]) => Number(line) - 1));
  const lines = stdout.split('\n').filter((line) => line.startsWith('['));
  if (lines.length + failed.size !== addresses.length) return [];
  const answers = lines.values();
  return addresses.map((_, index) => {
    if (failed.has(index)) return undefined;
    try {
      return (JSON.parse(answers.next().value as string) as Way[])[0];
    } catch {
      // What is not understood is no way: the next look asks again.
      return undefined;
    }
  });
}
