/** Labels, and how the text formats spell them. */

/** Names and values of labels; a label without a value is left out. */
export type Labels = Readonly<Record<string, string>>;

/** Labels, and how a sample shows them: `{name="value"}`, or nothing when there are none. */
export interface LabelSet {
  readonly values: Labels;
  readonly text: string;
}

/** What samples are about: a server, a service, a worker, or one number. */
export interface Row {
  readonly labels: LabelSet;
}

/** Makes labels in the order of `given`, without those that are empty. */
export function labelSet(given: Labels): LabelSet {
  const values = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== ''));
  const parts = Object.entries(values).map(([name, value]) => `${name}="${escapeLabel(value)}"`);
  return { values, text: parts.length === 0 ? '' : `{${parts.join(',')}}` };
}

export const NO_LABELS: LabelSet = labelSet({});

const ESCAPED = /[\\"\n]/;
const ESCAPES: Readonly<Record<string, string>> = { '\\': '\\\\', '"': '\\"', '\n': '\\n' };

function escapeLabel(value: string): string {
  return ESCAPED.test(value) ? value.replace(/[\\"\n]/g, (character) => ESCAPES[character] as string) : value;
}

/** Makes the name of a label's value: `dropNoService` without `drop` becomes `no_service`. */
export function snakeCase(name: string): string {
  return name.replace(/(?<=.)[A-Z]/g, (letter) => `_${letter}`).toLowerCase();
}
