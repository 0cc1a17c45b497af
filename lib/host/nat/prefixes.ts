/**
 * Writes many addresses as few prefixes. The kernel reads its rules one by one for each packet that it routes, so a
 * director of two hundred servers with consecutive addresses should not have two hundred rules.
 */
import { addressBytes, formatAddress } from '../../values/inet.js';

interface Block {
  /** The bits before the host part. */
  readonly value: bigint;
  readonly length: number;
}

function numberOf(address: string): bigint {
  return BigInt(`0x${Buffer.from(addressBytes(address) as Uint8Array).toString('hex')}`);
}

function prefixOf({ value, length }: Block, bits: number): string {
  const digits = (value << BigInt(bits - length)).toString(16).padStart(bits / 4, '0');
  return `${formatAddress(Buffer.from(digits, 'hex'))}/${length}`;
}

function bitsOf(addresses: readonly string[]): number {
  return (addressBytes(addresses[0] ?? '')?.length ?? 0) * 8;
}

/**
 * Returns the fewest prefixes that hold these addresses and no others, in their order. REQUIRES: addresses of one
 * family.
 */
export function mergedPrefixes(addresses: readonly string[]): string[] {
  const bits = bitsOf(addresses);
  const sorted = [...new Set(addresses.map(numberOf))].sort((a, b) => (a < b ? -1 : 1));
  const blocks: Block[] = [];
  for (const value of sorted) {
    let block: Block = { value, length: bits };
    // Two halves of a block are the block.
    for (let last = blocks.at(-1); last !== undefined && isOtherHalf(last, block); last = blocks.at(-1)) {
      blocks.pop();
      block = { value: block.value >> 1n, length: block.length - 1 };
    }
    blocks.push(block);
  }
  return blocks.map((block) => prefixOf(block, bits));
}

function isOtherHalf(lower: Block, upper: Block): boolean {
  return lower.length === upper.length && upper.length > 0 && (lower.value ^ upper.value) === 1n;
}

/** Returns the longest prefix that holds all these addresses. REQUIRES: one address or more, of one family. */
export function commonPrefix(addresses: readonly string[]): string {
  const bits = bitsOf(addresses);
  const values = addresses.map(numberOf);
  const first = values[0] as bigint;
  const differing = values.reduce((seen, value) => seen | (value ^ first), 0n);
  const length = bits - (differing === 0n ? 0 : differing.toString(2).length);
  return prefixOf({ value: first >> BigInt(bits - length), length }, bits);
}
