/** The tables of the kinds of checks in docs/health.md, made of the kinds' own tables. */
import { checkKinds } from '../../health/checks/index.js';
import type { CheckKind } from '../../health/checks/kind.js';
import { expectedAt } from './expected.js';
import { fallbackOf, fieldOf } from './checks.js';

const BEGIN = '<!-- kinds: node scripts/config-schema.js writes them -->';
const END = '<!-- /kinds -->';

/** Puts the tables between the marks of the page. */
export function withKinds(page: string): string {
  const [before, rest] = [page.slice(0, page.indexOf(BEGIN)), page.slice(page.indexOf(END))];
  return `${before}${BEGIN}\n\n${checkKinds.map(section).join('\n\n')}\n\n${rest}`;
}

function section({ name, description, options }: CheckKind): string {
  const rows = Object.entries(options).map(([option, type]) => {
    const field = fieldOf(option, type);
    const fallback = type.isRequired ? 'it is required' : (fallbackOf(type) ?? 'none');
    const cells = [`\`${field}\``, valuesOf(name, field), fallback, type.description];
    return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  });
  const table = ['| option | value | default | what it does |', '| --- | --- | --- | --- |', ...rows];
  const said = rows.length === 0 ? ['It has no options.'] : table;
  return [`### ${name}`, '', description, '', ...said].join('\n');
}

const valuesOf = (kind: string, field: string) => expectedAt(['health', 'check', kind, field]);
