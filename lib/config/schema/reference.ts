/** The table of fields in docs/configuration.md, made of the JSON Schema. */
import { isDeepStrictEqual } from 'node:util';
import { expectedAt } from './expected.js';
import type { JsonSchema } from './json-schema.js';
import type { Path } from '../mistake.js';

const BEGIN = '<!-- fields: node scripts/config-schema.js writes them -->';
const END = '<!-- /fields -->';

/** Puts the tables between the marks of the page. */
export function withReference(page: string, schema: JsonSchema): string {
  const [before, rest] = [page.slice(0, page.indexOf(BEGIN)), page.slice(page.indexOf(END))];
  return `${before}${BEGIN}\n\n${tables(schema).join('\n\n')}\n\n${rest}`;
}

interface Section {
  /** Several maps that take the same fields have one section. */
  titles: string[];
  schema: JsonSchema;
  path: Path;
}

function tables(schema: JsonSchema): string[] {
  const sections: Section[] = [{ titles: ['The file'], schema, path: [] }];
  const rowsOf = new Map<Section, string[]>();
  for (let at = 0; at < sections.length; at++) {
    const section = sections[at] as Section;
    const rows = Object.entries(section.schema.properties ?? {}).map(([name, each]) => {
      const path = [...section.path, name];
      const inner = mapOf(each, path);
      if (inner !== undefined && name !== 'timeouts' && name !== 'check') addSection(sections, inner);
      return `| \`${name}\` | ${valuesOf(name, path)} | ${(each.description ?? '').replaceAll('|', '\\|')} |`;
    });
    rowsOf.set(section, rows);
  }
  const head = ['| field | value | what it does |', '| --- | --- | --- |'];
  return sections.map((section) => {
    const [title, ...others] = section.titles;
    const same = others.length === 0 ? [] : [...sameFor(others), ''];
    return [`### ${title}`, '', ...same, ...head, ...(rowsOf.get(section) as string[])].join('\n');
  });
}

function sameFor(titles: readonly string[]): string[] {
  return ['It is the same for:', '', ...titles.map((title) => `- ${title}`)];
}

function addSection(sections: Section[], { schema, path }: { schema: JsonSchema; path: Path }): void {
  const title = `\`${titleOf(path)}\``;
  const same = sections.find((section) => isDeepStrictEqual(section.schema.properties, schema.properties));
  if (same === undefined) sections.push({ titles: [title], schema, path });
  else same.titles.push(title);
}

/** Short forms are not of the schema that expectedAt() knows. */
function valuesOf(name: string, path: Path): string {
  const short: Record<string, string> = {
    listen: 'a text',
    include: 'a text or a list',
    sorryServer: 'a text or a map',
    check: '[a check](health.md#kinds)',
  };
  const words = short[name] ?? expectedAt(path).replace(/a map of .* \.\.\./, 'a map, below');
  return (name === 'timeouts' ? 'a map of states' : words).replaceAll('|', '\\|');
}

function mapOf(schema: JsonSchema, path: Path): { schema: JsonSchema; path: Path } | undefined {
  if (schema.properties) return { schema, path };
  if (schema.items) return mapOf(schema.items, [...path, 0]);
  for (const branch of schema.anyOf ?? []) {
    const found = branch.$ref === undefined ? mapOf(branch, path) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

const titleOf = (path: Path) =>
  path
    .map((part) => (typeof part === 'number' ? '[]' : `.${part}`))
    .join('')
    .slice(1);
