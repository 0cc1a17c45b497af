/** Bytes that both ends of a transfer can make, so that what arrives can be compared without sending it twice. */
import { createHash } from 'node:crypto';

const BLOCK_BYTES = 65_536;

/** Every chunk starts where the last one ended; no two blocks are the same. */
export function* pattern(bytes: number): Generator<Buffer> {
  for (let offset = 0, block = 0; offset < bytes; offset += BLOCK_BYTES, block++) {
    const chunk = Buffer.allocUnsafe(Math.min(BLOCK_BYTES, bytes - offset));
    let state = (block * 0x9e3779b1 + 1) >>> 0;
    for (let index = 0; index < chunk.length; index++) {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      chunk[index] = state >>> 24;
    }
    yield chunk;
  }
}

const hashes = new Map<number, string>();

export function patternSha256(bytes: number): string {
  const known = hashes.get(bytes);
  if (known !== undefined) return known;
  const hash = createHash('sha256');
  for (const chunk of pattern(bytes)) hash.update(chunk);
  const digest = hash.digest('hex');
  hashes.set(bytes, digest);
  return digest;
}
