/** The table of fields in docs/configuration.md, made of the JSON Schema. */
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
  title: string;
  schema: JsonSchema;
  path: Path;
}

function tables(schema: JsonSchema): string[] {
  const sections: Section[] = [{ title: 'The file', schema, path: [] }];
  const written: string[] = [];
  for (let at = 0; at < sections.length; at++) {
    const section = sections[at] as Section;
    const rows = Object.entries(section.schema.properties ?? {}).map(([name, each]) => {
      const path = [...section.path, name];
      const inner = mapOf(each, path);
      if (inner !== undefined && name !== 'timeouts')
        sections.push({ title: `\`${titleOf(inner.path)}\``, schema: inner.schema, path: inner.path });
      return `| \`${name}\` | ${valuesOf(name, path)} | ${(each.description ?? '').replaceAll('|', '\\|')} |`;
    });
    written.push(
      [`### ${section.title}`, '', '| field | value | what it does |', '| --- | --- | --- |', ...rows].join('\n'),
    );
  }
  return written;
}

/** Short forms are not of the schema that expectedAt() knows. */
function valuesOf(name: string, path: Path): string {
  const short: Record<string, string> = { listen: 'a text', include: 'a text or a list' };
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
