/** Which status codes pass, as text: '200-299,301'. */

/** Throws an Error that says what is wrong with the text. */
export function parseStatusRanges(text: string): (status: number) => boolean {
  const ranges = text.split(',').map((part) => {
    const [, first, last = first] = /^ *([1-9]\d\d)(?:-([1-9]\d\d))? *$/.exec(part) ?? [];
    if (first === undefined) throw new Error(`"${part}" is neither a status nor a range of them`);
    if (Number(last) < Number(first)) throw new Error(`${part.trim()} ends before it begins`);
    return [Number(first), Number(last)] as const;
  });
  return (status) => ranges.some(([first, last]) => status >= first && status <= last);
}
