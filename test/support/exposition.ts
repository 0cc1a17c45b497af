/** Reads the text formats of metrics, and refuses what their specifications do not allow. */

export interface Exposed {
  name: string;
  labels: Record<string, string>;
  value: number;
}

export interface ExposedFamily {
  name: string;
  type: string;
  help: string;
  samples: Exposed[];
}

type Format = 'prometheus' | 'openmetrics';

const NAME = /^[a-zA-Z_:][a-zA-Z0-9_:]*$/;
const LABEL = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\["\\n])*)"(,|$)/y;
const VALUE = /^(?:[+-]?(?:\d+(?:\.\d+)?(?:e[+-]?\d+)?)|NaN|\+Inf|-Inf)$/;
const TYPES: Record<Format, string[]> = { prometheus: ['counter', 'gauge'], openmetrics: ['counter', 'gauge', 'info'] };
/** What OpenMetrics adds to a family's name for its samples. */
const SUFFIXES: Record<string, string> = { counter: '_total', info: '_info', gauge: '' };
const UNESCAPED: Record<string, string> = { '\\\\': '\\', '\\"': '"', '\\n': '\n' };

/** Throws an error with the line that is wrong. */
export function readExposition(text: string, format: Format): ExposedFamily[] {
  const families: ExposedFamily[] = [];
  const seen = new Set<string>();
  const lines = text.split('\n');
  if (lines.pop() !== '') throw new Error('the last line does not end');
  if (format === 'openmetrics' && lines.pop() !== '# EOF') throw new Error('there is no # EOF at the end');
  let help: { name: string; help: string } | undefined;
  for (const line of lines) {
    const fail = (why: string): never => {
      throw new Error(`${why}: ${line}`);
    };
    const comment = /^# (HELP|TYPE) (\S+) (.*)$/.exec(line);
    if (comment) {
      const [, kind, name = '', rest = ''] = comment;
      if (!NAME.test(name)) fail('not a name');
      if (kind === 'HELP') {
        if (/\\(?![\\n])/.test(rest) || (format === 'openmetrics' && rest.includes('"'))) fail('not escaped');
        help = { name, help: rest };
        continue;
      }
      if (help?.name !== name) fail('the help of another family');
      if (!TYPES[format].includes(rest)) fail('not a type');
      if (families.some((family) => family.name === name)) fail('a family in two places');
      families.push({ name, type: rest, help: help?.help ?? '', samples: [] });
      continue;
    }
    const sample = /^([^\s{]+)(?:\{(.*)\})? (\S+)$/s.exec(line);
    if (!sample) return fail('not a sample');
    const [, name = '', inside = '', value = ''] = sample;
    const family = families.at(-1);
    const suffix = format === 'openmetrics' ? (SUFFIXES[family?.type ?? ''] ?? '') : '';
    if (name !== `${family?.name}${suffix}`) fail('not of the family above');
    if (!VALUE.test(value)) fail('not a value');
    if (seen.has(line.slice(0, line.lastIndexOf(' ')))) fail('twice');
    seen.add(line.slice(0, line.lastIndexOf(' ')));
    const labels = readLabels(inside) ?? fail('not labels');
    family?.samples.push({ name, labels, value: Number(value.replace('Inf', 'Infinity')) });
  }
  for (const { name, samples } of families) if (samples.length === 0) throw new Error(`${name} has no sample`);
  return families;
}

function readLabels(text: string): Record<string, string> | undefined {
  const labels: Record<string, string> = {};
  for (let at = 0; at < text.length; ) {
    LABEL.lastIndex = at;
    const match = LABEL.exec(text);
    if (!match) return undefined;
    const [whole, name = '', value = ''] = match;
    if (name in labels) return undefined;
    labels[name] = value.replace(/\\["\\n]/g, (escaped) => UNESCAPED[escaped] as string);
    at += whole.length;
  }
  return labels;
}

/** Each sample by its name and labels, whatever their order. */
export function sampleMap(families: readonly ExposedFamily[]): Map<string, number> {
  const key = ({ name, labels }: Exposed) => `${name} ${JSON.stringify(Object.entries(labels).sort())}`;
  return new Map(families.flatMap(({ samples }) => samples.map((sample) => [key(sample), sample.value] as const)));
}
