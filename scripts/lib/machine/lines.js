/** Returns a write() that puts `name` in front of each line, and hands it to `write`; text comes in any pieces. */
export function linesNamed(name, write) {
  let isAtStart = true;
  return (text) => {
    if (text === '') return;
    const lines = text.split('\n');
    const last = lines.pop();
    const whole = lines.map((line, index) => `${index > 0 || isAtStart ? `${name}: ` : ''}${line}\n`);
    const isNewLine = lines.length > 0 || isAtStart;
    write(whole.join('') + (last === '' ? '' : `${isNewLine ? `${name}: ` : ''}${last}`));
    isAtStart = last === '';
  };
}
