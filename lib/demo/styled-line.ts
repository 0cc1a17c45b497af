/** Lines of styled text that are cut and filled by terminal columns, not by characters. */

export type Style = 'plain' | 'bold' | 'dim' | 'good' | 'bad' | 'warning' | 'accent' | 'inverse';

export interface Span {
  text: string;
  style: Style;
}

export type Line = readonly Span[];

const SGR: Record<Style, string> = {
  plain: '',
  bold: '1',
  dim: '2',
  good: '32',
  bad: '31',
  warning: '33',
  accent: '36',
  inverse: '7',
};

const segmenter = new Intl.Segmenter('en', { granularity: 'grapheme' });

/** East Asian wide and fullwidth blocks, and emoji, which terminals show two columns wide. */
const WIDE =
  /[\u1100-\u115f\u2e80-\u303e\u3041-\ua4cf\uac00-\ud7a3\uf900-\ufaff\ufe30-\ufe6f\uff00-\uff60\uffe0-\uffe6]|\p{Emoji_Presentation}|[\u{20000}-\u{3fffd}]/u;
const INVISIBLE = /^[\p{Mark}\p{Control}\p{Format}]*$/u;

export function span(text: string, style: Style = 'plain'): Span {
  return { text, style };
}

export function line(...parts: (Span | string)[]): Line {
  return parts.map((part) => (typeof part === 'string' ? span(part) : part));
}

function columnsOfGrapheme(grapheme: string): number {
  if (INVISIBLE.test(grapheme)) return 0;
  return WIDE.test(grapheme) ? 2 : 1;
}

/** Most text is printable ASCII, of which each character has a column; looking for graphemes takes long. */
const ASCII = /^[ -~]*$/;

export function columnsOf(text: string): number {
  if (ASCII.test(text)) return text.length;
  let columns = 0;
  for (const { segment } of segmenter.segment(text)) columns += columnsOfGrapheme(segment);
  return columns;
}

/** Returns as much of the start as fits in `columns`; a wide character that would fit by half is left out. */
export function cutText(text: string, columns: number): string {
  if (ASCII.test(text)) return text.slice(0, Math.max(0, columns));
  let cut = '';
  let left = columns;
  for (const { segment } of segmenter.segment(text)) {
    left -= columnsOfGrapheme(segment);
    if (left < 0) break;
    cut += segment;
  }
  return cut;
}

/** Makes the text exactly `columns` wide; a negative number fills on the left. */
export function fitText(text: string, columns: number): string {
  const cut = cutText(text, Math.abs(columns));
  const filling = ' '.repeat(Math.abs(columns) - columnsOf(cut));
  return columns < 0 ? filling + cut : cut + filling;
}

export function cutLine(whole: Line, columns: number): Line {
  const spans: Span[] = [];
  let left = columns;
  for (const { text, style } of whole) {
    const cut = cutText(text, left);
    spans.push({ text: cut, style });
    if (cut !== text) break;
    left -= columnsOf(cut);
  }
  return spans;
}

/** Puts words into lines of at most `columns`; a longer word is cut. */
export function wrapText(text: string, columns: number): string[] {
  const lines: string[] = [];
  let current = '';
  for (const word of text.split(' ')) {
    const longer = current === '' ? word : `${current} ${word}`;
    if (columnsOf(longer) <= columns) {
      current = longer;
      continue;
    }
    if (current !== '') lines.push(current);
    current = cutText(word, columns);
  }
  return [...lines, current];
}

export function paint(whole: Line, hasColour: boolean): string {
  return whole
    .map(({ text, style }) =>
      hasColour && SGR[style] !== '' && text !== '' ? `\x1b[${SGR[style]}m${text}\x1b[0m` : text,
    )
    .join('');
}
