/** Bytes as people write them: in hexadecimal, where an x stands for any digit. */

/** An expected beginning of an answer, half a byte for each element; undefined is any. */
export type BytePattern = readonly (number | undefined)[];

/** Reads hexadecimal digits; blanks between bytes are passed over. Throws an Error that says what is wrong. */
export function parseHex(text: string): Buffer {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^[0-9a-f]*$/i.test(digits)) throw new Error('it has other characters than hexadecimal digits');
  if (digits.length % 2 !== 0) throw new Error('it has half a byte: an odd number of digits');
  return Buffer.from(digits, 'hex');
}

/** Reads hexadecimal digits and x, which is any digit. Throws an Error that says what is wrong. */
export function parsePattern(text: string): BytePattern {
  const digits = text.replaceAll(/\s/g, '');
  if (!/^[0-9a-fx]*$/i.test(digits)) throw new Error('it has other characters than hexadecimal digits and x');
  if (digits.length % 2 !== 0) throw new Error('it has half a byte: an odd number of digits');
  return Array.from(digits, (digit) => (digit.toLowerCase() === 'x' ? undefined : Number.parseInt(digit, 16)));
}

/** Whether the bytes begin as the pattern says. */
export function beginsWith(bytes: Uint8Array, pattern: BytePattern): boolean {
  if (bytes.length * 2 < pattern.length) return false;
  return pattern.every((digit, place) => {
    const byte = bytes[place >> 1] as number;
    return digit === undefined || digit === (place % 2 === 0 ? byte >> 4 : byte & 15);
  });
}

/** The first bytes of an answer, for a message. */
export function shownBytes(bytes: Uint8Array): string {
  const SHOWN = 16;
  const hex = Buffer.from(bytes.subarray(0, SHOWN)).toString('hex');
  return bytes.length > SHOWN ? `${hex}...` : hex;
}
