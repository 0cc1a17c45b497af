/**
 * Turns what the demo writes to a terminal into screens of styled cells. The demo draws every row anew each time, so no
 * more of a terminal is needed than this.
 */

const ESC = '\x1b';
const FRAME = `${ESC}[?7l${ESC}[H`;
const FRAME_END = `${ESC}[?7h`;
const SGR = new RegExp(`${ESC}\\[([\\d;]*)m`);

/** The whole screens in the text, and what is left of it behind the last. */
export function takeScreens(text) {
  const screens = [];
  let rest = text;
  for (;;) {
    const start = rest.indexOf(FRAME);
    const end = rest.indexOf(FRAME_END, start);
    if (start < 0 || end < 0) return { screens, rest };
    screens.push(
      rest
        .slice(start + FRAME.length, end)
        .split(/\r*\n/)
        .map(spansOf),
    );
    rest = rest.slice(end + FRAME_END.length);
  }
}

/** `{ text, code, column }` each; the code is that of `styled-line.ts`, '' for none. */
export function spansOf(row) {
  const parts = row.replaceAll(`${ESC}[2K`, '').split(SGR);
  const spans = [];
  let column = 0;
  for (let i = 0; i < parts.length; i += 2) {
    const code = i === 0 ? '' : parts[i - 1].replace(/^0$/, '');
    const { length } = [...parts[i]];
    if (parts[i].trim() !== '' || (code === '7' && length > 0)) spans.push({ text: parts[i], code, column });
    column += length;
  }
  return spans;
}
