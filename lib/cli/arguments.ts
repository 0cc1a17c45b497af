/** Parsers for the values of command-line options; commander calls them as it reads each option. */
import { InvalidArgumentError } from 'commander';
import { DAEMON_NAME_FORM, isDaemonName } from '../daemon/daemon-name.js';
import { MAX_CPU } from '../values/cpu.js';
import { isDeviceName } from '../values/device-name.js';
import { type FastPathChoice, parseFastPath } from '../values/fast-path.js';
import { canonicalAddress } from '../values/inet.js';
import { type OffloadChoice, offloads } from '../values/offload.js';
import { parseSource, sourceFamily } from '../values/source.js';

export function integerArgument(minimum: number, maximum: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= minimum && value <= maximum) return value;
    throw new InvalidArgumentError(`Write a whole number from ${minimum} to ${maximum}.`);
  };
}

/** Reads `--cpus` as the kernel writes such lists: `2,4-6`. */
export function cpusArgument(text: string): number[] {
  const cpus: number[] = [];
  for (const part of text.split(',')) {
    const [, first, last = first] = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(part) ?? [];
    if (first === undefined || Number(last) > MAX_CPU || Number(last) < Number(first))
      throw new InvalidArgumentError(`Write CPUs from 0 to ${MAX_CPU}, as in 2,4-6.`);
    for (let cpu = Number(first); cpu <= Number(last); cpu++) cpus.push(cpu);
  }
  if (new Set(cpus).size < cpus.length) throw new InvalidArgumentError('Name each CPU once.');
  return cpus;
}

/** Reads seconds, decimals allowed; returns milliseconds. */
export function secondsArgument(minimumSeconds: number, maximumSeconds: number): (text: string) => number {
  return (text) => {
    const seconds = /^\d{1,9}(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
    if (seconds >= minimumSeconds && seconds <= maximumSeconds) return seconds * 1000;
    throw new InvalidArgumentError(`Write a number of seconds from ${minimumSeconds} to ${maximumSeconds}.`);
  };
}

/** Reads `--name`. */
export function nameArgument(text: string): string {
  if (isDaemonName(text)) return text;
  throw new InvalidArgumentError(`Write ${DAEMON_NAME_FORM}.`);
}

/** Reads `--mark-device`, which may be repeated: `MARK` or `MARK=NAME`. */
export function markDevicesArgument(
  text: string,
  earlier: readonly { mark: number; name?: string }[] = [],
): { mark: number; name?: string }[] {
  const [, digits, name] = /^(\d{1,10})(?:=(.+))?$/.exec(text) ?? [];
  const mark = Number(digits);
  if (!(mark >= 1 && mark <= 2 ** 32 - 1))
    throw new InvalidArgumentError('Write a mark from 1 to 4294967295, followed by =NAME to name the device.');
  if (earlier.some((other) => other.mark === mark)) throw new InvalidArgumentError('Give each mark once.');
  return [...earlier, { mark, ...(name !== undefined && { name }) }];
}

/** Reads `--seed`: [0, 2^64). */
export function seedArgument(text: string): bigint {
  const seed = /^(\d{1,20}|0x[\da-f]{1,16})$/i.test(text) ? BigInt(text) : -1n;
  if (seed >= 0n && seed < 2n ** 64n) return seed;
  throw new InvalidArgumentError('Write a whole number from 0 to 2^64 - 1, decimal or with 0x.');
}

/** Reads an option that may be repeated: addresses, each put into its canonical spelling. */
export function addressesArgument(text: string, earlier: readonly string[] = []): string[] {
  const address = canonicalAddress(text);
  if (address === undefined) throw new InvalidArgumentError('Write an IP address, as in 192.0.2.1.');
  return [...earlier, address];
}

/** Reads `--source`: an address or a range, at most one per family. */
export function sourcesArgument(text: string, earlier: readonly string[] = []): string[] {
  const source = parseSource(text);
  if (typeof source !== 'string') throw new InvalidArgumentError(`It ${source.mistake}.`);
  if (earlier.some((other) => sourceFamily(other) === sourceFamily(source))) {
    throw new InvalidArgumentError('Give it once per address family.');
  }
  return [...earlier, source];
}

/** Reads an option that may be repeated: addresses and ranges of addresses. */
export function rangesArgument(text: string, earlier: readonly string[] = []): string[] {
  const range = parseSource(text);
  if (typeof range !== 'string') throw new InvalidArgumentError(`It ${range.mistake}.`);
  return [...earlier, range];
}

/** Reads an option that may be repeated: whole numbers. */
export function integersArgument(minimum: number, maximum: number) {
  const one = integerArgument(minimum, maximum);
  return (text: string, earlier: readonly number[] = []): number[] => [...earlier, one(text)];
}

/** Reads several of `choices`, separated by commas. */
export function choicesArgument<T extends string>(choices: readonly T[]): (text: string) => T[] {
  return (text) => {
    const chosen = text.split(',').map((word) => choices.find((choice) => choice === word.trim()));
    if (chosen.every((choice) => choice !== undefined)) return chosen;
    throw new InvalidArgumentError(`Write one or more of ${choices.join(', ')}, separated by commas.`);
  };
}

export function offloadsArgument(text: string): OffloadChoice {
  return text === 'auto' || text === 'off' ? text : choicesArgument(offloads)(text);
}

export function fastPathArgument(text: string): FastPathChoice {
  if (parseFastPath(text) === undefined)
    throw new InvalidArgumentError(
      'Write off, auto, egress, or ingress: with names of devices of at most 15 bytes, as in ingress:eth0,eth1.',
    );
  return text as FastPathChoice;
}

/** Reads names of devices, separated by commas. */
export function devicesArgument(text: string): string[] {
  const names = text.split(',').map((name) => name.trim());
  if (names.every((name) => isDeviceName(name) && !name.includes('%'))) return names;
  throw new InvalidArgumentError('Write names of devices of at most 15 bytes, separated by commas, as in eth0,eth1.');
}

export function choiceArgument(choices: readonly string[]): (text: string) => string {
  return (text) => {
    if (choices.includes(text)) return text;
    throw new InvalidArgumentError(`Write one of ${choices.join(', ')}.`);
  };
}
